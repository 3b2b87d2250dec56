"""Write the example organisation into an empty database."""

from django.contrib.auth.models import User
from django.db import transaction

from stackyard.aws.facts import BaselineFacts
from stackyard.cli.demo.organisation import DEPARTMENTS, PASSWORD, PEOPLE, PRODUCTS, SANDBOXES, DemoPerson
from stackyard.cmdb.models import ApiToken, Department, Membership, Product, Role, Sandbox, SandboxStatus


@transaction.atomic
def load(facts: dict[str, BaselineFacts]) -> str:
    """Write it all; `facts` by sandbox name. Returns an API token of platform
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
