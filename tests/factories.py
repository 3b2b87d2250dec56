"""Rows for tests: a small organisation, as real as the demo's, without AWS behind it."""

from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.models import User

from stackyard.cmdb.models import Department, Membership, Product, Role, Sandbox, SandboxStatus

SHIPPED_PATTERNS = Path(__file__).resolve().parents[1] / "patterns"


@dataclass(frozen=True)
class Organisation:
    """Two departments; people of each role in the first, and a requester of the second."""

    commerce: Department
    mobility: Department
    shop: Product
    fleet: Product
    sandbox: Sandbox
    other_sandbox: Sandbox
    viewer: User
    requester: User
    stranger: User
    platform: User


def facts(account: str) -> dict[str, object]:
    """Facts of a complete baseline in that account."""
    elb = f"arn:aws:elasticloadbalancing:eu-central-1:{account}"
    return {
        "vpc_id": "vpc-1",
        "vpc_cidr": "10.0.0.0/16",
        "public_subnet_ids": ["subnet-1", "subnet-2"],
        "private_subnet_ids": ["subnet-3", "subnet-4"],
        "database_subnet_ids": ["subnet-5", "subnet-6"],
        "cluster_arn": f"arn:aws:ecs:eu-central-1:{account}:cluster/sandbox",
        "cluster_name": "sandbox",
        "alb_arn": f"{elb}:loadbalancer/app/shared/1",
        "alb_dns_name": "shared-1.eu-central-1.elb.amazonaws.com",
        "alb_zone_id": "Z215JYRZR1TBD5",
        "alb_security_group_id": "sg-1",
        "http_listener_arn": f"{elb}:listener/app/shared/1/80",
        "https_listener_arn": f"{elb}:listener/app/shared/1/443",
        "zone_id": "Z1",
        "zone_name": f"d{account[:4]}.dev.example.com",
        "certificate_arn": f"arn:aws:acm:eu-central-1:{account}:certificate/1",
    }


def make_sandbox(department: Department, name: str, account: str) -> Sandbox:
    """A ready emulated sandbox."""
    return Sandbox.objects.create(
        name=name,
        department=department,
        account_id=account,
        region="eu-central-1",
        role_arn=f"arn:aws:iam::{account}:role/stackyard",
        zone_name=f"d{account[:4]}.dev.example.com",
        emulated=True,
        status=SandboxStatus.READY,
        facts=facts(account),
    )


def make_user(name: str, department: Department | None, role: Role) -> User:
    """A person with one role."""
    user = User.objects.create_user(name, f"{name}@example.com", "a-good-password")
    Membership.objects.create(user=user, department=department, role=role)
    return user


def make_organisation() -> Organisation:
    """Write it all."""
    commerce = Department.objects.create(name="commerce", title="Commerce")
    mobility = Department.objects.create(name="mobility", title="Mobility")
    return Organisation(
        commerce=commerce,
        mobility=mobility,
        shop=Product.objects.create(department=commerce, name="shop", title="Web shop"),
        fleet=Product.objects.create(department=mobility, name="fleet", title="Fleet manager"),
        sandbox=make_sandbox(commerce, "commerce-dev", "111122223333"),
        other_sandbox=make_sandbox(mobility, "mobility-dev", "444455556666"),
        viewer=make_user("vera", commerce, Role.VIEWER),
        requester=make_user("rika", commerce, Role.REQUESTER),
        stranger=make_user("moritz", mobility, Role.REQUESTER),
        platform=make_user("pat", None, Role.PLATFORM),
    )
