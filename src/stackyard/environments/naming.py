"""Names: what an environment is called, and the FQDN that follows from it."""

from stackyard.cmdb.models import Product, Sandbox
from stackyard.cmdb.naming import host_name
from stackyard.cmdb.validators import DNS_LABEL
from stackyard.errors import Problem, shown

MAX_SLUG = 32
"""An ALB target group's name has at most 32 characters (ELBv2 CreateTargetGroup), and it is the environment's slug."""

MAX_CERTIFIED = 64
"""The first name of an ACM certificate has at most 64 characters (RFC 5280, appendix A.1: ub-common-name)."""


def slug(product: Product, name: str) -> str:
    """`<product>-<name>`: the base name of every resource and the first label of the FQDN."""
    return f"{product.name}-{name}"


def fqdn(product: Product, name: str, sandbox: Sandbox) -> str:
    """The host name by the sandbox's rule; `<product>-<name>.<zone>` when it has no other."""
    values = {"product": product.name, "environment": name, "zone": sandbox.zone_name}
    return host_name(sandbox.fqdn_rule, {**values, "department": product.department.name})


def check_name(product: Product, name: str) -> list[Problem]:
    """Every rule that the name breaks."""
    if not DNS_LABEL.match(name) or len(name) > 63:
        return [
            Problem(
                "name",
                "Use lower-case letters, digits and hyphens, starting with a letter and not ending with a hyphen.",
            )
        ]
    full = slug(product, name)
    if len(full) > MAX_SLUG:
        room = MAX_SLUG - len(product.name) - 1
        return [
            Problem(
                "name",
                f"'{shown(full)}' has {len(full)} characters; a load balancer's target group takes at most {MAX_SLUG}. "
                f"Use at most {room} characters for this product.",
            )
        ]
    return []


def covered(name: str, sandbox: Sandbox) -> bool:
    """Whether the sandbox's wildcard certificate is for this name: `*` is exactly one label (RFC 6125, 6.4.3)."""
    return "." not in name.removesuffix(f".{sandbox.zone_name}")


def certificate_problem(name: str, sandbox: Sandbox) -> str:
    """Why there can be no certificate for this name; empty when the sandbox's covers it or it can have its own."""
    if covered(name, sandbox) or len(name) <= MAX_CERTIFIED:
        return ""
    return f"It needs a certificate of its own, whose name takes {MAX_CERTIFIED} characters; this has {len(name)}."
