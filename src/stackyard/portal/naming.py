"""What a new environment would be called, while the person is still typing."""

from dataclasses import dataclass

from stackyard.cmdb.models import Allocation, Environment, Product, Sandbox, SandboxStatus
from stackyard.cmdb.models.environment import GONE
from stackyard.cmdb.naming import name_problem
from stackyard.environments import naming


@dataclass(frozen=True)
class NameCheck:
    """`problem`: the rule that the name breaks. `fqdn` empty: not known yet, or it depends on the sandbox chosen."""

    slug: str = ""
    fqdn: str = ""
    problem: str = ""
    note: str = ""


def check(product: Product | None, name: str, sandbox: str) -> NameCheck:
    """Look at a name without claiming anything; creation decides."""
    if product is None:
        return NameCheck(note="Choose a product to see the address.")
    if not name:
        return NameCheck(note=f"The address will begin with {product.name}-")
    if problems := naming.check_name(product, name):
        return NameCheck(problem=problems[0].message)
    slug = naming.slug(product, name)
    if Environment.objects.exclude(status__in=GONE).filter(slug=slug).exists():
        return NameCheck(problem=f"'{slug}' is there already.")
    sandboxes = _sandboxes(product, sandbox)
    if len(sandboxes) != 1:
        return NameCheck(note=f"{slug}, in the zone of the sandbox that is chosen")
    fqdn = naming.fqdn(product, name, sandboxes[0])
    if problem := name_problem(fqdn):
        return NameCheck(problem=problem)
    if Allocation.objects.filter(kind=Allocation.Kind.FQDN, value=fqdn, released_at=None).exists():
        return NameCheck(problem=f"{fqdn} is taken.")
    return NameCheck(slug, fqdn)


def _sandboxes(product: Product, sandbox: str) -> list[Sandbox]:
    rows = Sandbox.objects.filter(department=product.department_id, status=SandboxStatus.READY)
    return [row for row in rows.only("name", "zone_name", "fqdn_rule") if not sandbox or row.name == sandbox]
