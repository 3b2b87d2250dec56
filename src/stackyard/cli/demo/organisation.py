"""The example organisation: two departments, each with a sandbox, three products, and a person for each role."""

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction

from stackyard.aws.facts import BaselineFacts
from stackyard.cmdb.models import ApiToken, Department, Membership, Product, Role, Sandbox, SandboxStatus

PASSWORD = "stackyard-demo"  # noqa: S105  (the demo listens on loopback only and starts empty each time)


@dataclass(frozen=True)
class DemoSandbox:
    """One emulated AWS account."""

    department: str
    name: str
    account_id: str
    zone_name: str
    vpc_cidr: str
    region: str = "eu-central-1"

    @property
    def role_arn(self) -> str:
        """The role that Stackyard assumes there."""
        return f"arn:aws:iam::{self.account_id}:role/stackyard"


@dataclass(frozen=True)
class DemoPerson:
    """One sign-in. `department` empty: platform staff."""

    name: str
    full_name: str
    role: Role
    department: str = ""


DEPARTMENTS = {"commerce": "Commerce", "mobility": "Mobility"}
PRODUCTS = (
    ("commerce", "shop", "Web shop", "Catalogue, basket and checkout."),
    ("commerce", "loyalty", "Loyalty points", "Collects and redeems customers' points."),
    ("mobility", "fleet", "Fleet manager", "Keeps track of rental cars."),
)
SANDBOXES = (
    DemoSandbox("commerce", "commerce-dev", "111122223333", "commerce.dev.example.com", "10.10.0.0/16"),
    DemoSandbox("mobility", "mobility-dev", "444455556666", "mobility.dev.example.com", "10.20.0.0/16"),
)
PEOPLE = (
    DemoPerson("rika", "Rika Requester", Role.REQUESTER, "commerce"),
    DemoPerson("moritz", "Moritz Requester", Role.REQUESTER, "mobility"),
    DemoPerson("vera", "Vera Viewer", Role.VIEWER, "commerce"),
    DemoPerson("pat", "Pat Platform", Role.PLATFORM),
)


@transaction.atomic
def load(facts: dict[str, BaselineFacts]) -> str:
    """Write the organisation into an empty database; `facts` by sandbox name. Returns an API token of platform
    staff."""
    departments = {
        name: Department.objects.create(name=name, title=title, contact=f"{name}@example.com")
        for name, title in DEPARTMENTS.items()
    }
    for department, name, title, description in PRODUCTS:
        Product.objects.create(department=departments[department], name=name, title=title, description=description)
    for box in SANDBOXES:
        Sandbox.objects.create(
            name=box.name,
            department=departments[box.department],
            account_id=box.account_id,
            region=box.region,
            role_arn=box.role_arn,
            zone_name=box.zone_name,
            emulated=True,
            status=SandboxStatus.READY,
            facts=facts[box.name].as_dict(),
        )
    users = {person.name: _person(person, departments) for person in PEOPLE}
    _, token = ApiToken.issue(users["pat"], "demo")
    return token


def _person(person: DemoPerson, departments: dict[str, Department]) -> User:
    first, _, last = person.full_name.partition(" ")
    user = User.objects.create_user(
        person.name, f"{person.name}@example.com", PASSWORD, first_name=first, last_name=last
    )
    if person.role == Role.PLATFORM:
        user.is_staff = user.is_superuser = True
        user.save()
    Membership.objects.create(user=user, department=departments.get(person.department), role=person.role)
    return user
