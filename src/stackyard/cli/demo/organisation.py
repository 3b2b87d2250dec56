"""The example organisation: two departments, each with a sandbox, three products, and a person for each role."""

from dataclasses import dataclass

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
    role: str
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
    DemoPerson("rika", "Rika Requester", "requester", "commerce"),
    DemoPerson("moritz", "Moritz Requester", "requester", "mobility"),
    DemoPerson("vera", "Vera Viewer", "viewer", "commerce"),
    DemoPerson("pat", "Pat Platform", "platform"),
)
