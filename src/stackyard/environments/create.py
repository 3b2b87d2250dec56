"""Create: check everything, then claim, write and enqueue in one transaction. Nothing in AWS is touched here."""

from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Count

from stackyard.cmdb import rights
from stackyard.cmdb.models import (
    Environment,
    Product,
    Run,
    RunKind,
    Sandbox,
    SandboxStatus,
)
from stackyard.cmdb.models.environment import GONE
from stackyard.cmdb.naming import name_problem
from stackyard.cmdb.sealing import seal
from stackyard.cmdb.validators import DNS_LABEL
from stackyard.environments import naming
from stackyard.environments.addresses import claim_block, free_space
from stackyard.environments.allocate import claim_fqdn, claim_rule_priority
from stackyard.environments.idempotency import once
from stackyard.environments.issues import elsewhere, repository_of
from stackyard.environments.lifetimes import first_expiry, unreadable_expiry
from stackyard.environments.occupancy import ENVIRONMENTS, lock_sandboxes, why_closed
from stackyard.environments.requests import CreateRequest
from stackyard.environments.versions import version_of
from stackyard.errors import Invalid, NotFound, Problem, meant, shown
from stackyard.executors.registry import REMOTE
from stackyard.patterns.catalogue import Catalogue, Pattern
from stackyard.patterns.needs import missing_facts
from stackyard.patterns.parameters import check_settings
from stackyard.patterns.workspace import made_up_secrets, secret_settings
from stackyard.runs.queue import enqueue
from stackyard.settings import get_settings


def create(
    user: User, request: CreateRequest, *, via: str, catalogue: Catalogue | None = None, idempotency_key: str = ""
) -> Run:
    """Accept a wish: returns the queued run of the new environment.

    With an idempotency key that this person used before, the earlier run comes back and nothing is made; the same key
    with another wish is a Conflict. Raises Invalid with every problem found, NotFound or Forbidden as rights say.
    """
    body = [request.product, request.pattern, request.name, request.sandbox, dict(request.settings), request.expires]

    def make() -> Run:
        product, pattern, settings = _check(user, request, catalogue or Catalogue.from_settings())
        with transaction.atomic():
            sandbox = _choose_sandbox(request, product, pattern)
            environment = _write(user, request, product, pattern, settings, sandbox)
            return enqueue(environment, RunKind.CREATE, user, via=via)

    return once(user, idempotency_key, body, make)


def _check(user: User, request: CreateRequest, catalogue: Catalogue) -> tuple[Product, Pattern, dict[str, Any]]:
    """Everything that can be refused without looking at what else is going on; all problems at once."""
    problems: list[Problem] = []
    products = rights.visible(user, Product.objects.select_related("department"))
    product = products.filter(name=request.product).first() if DNS_LABEL.match(request.product) else None
    if product is None:
        known = list(rights.visible(user, Product.objects.all()).values_list("name", flat=True))
        hint = meant(request.product, known) or f"Your products: {', '.join(known[:20]) or 'none'}."
        problems.append(Problem("product", f"There is no product '{shown(request.product)}'. {hint}"))
    else:
        rights.require_request(user, product.department)
        problems += naming.check_name(product, request.name)
        if not problems and Environment.objects.exclude(status__in=GONE).filter(
            slug=naming.slug(product, request.name)
        ):
            problems.append(Problem("name", f"'{naming.slug(product, request.name)}' is there already."))
        if not problems and Sandbox.objects.filter(name=naming.slug(product, request.name)).exists():
            # Both would give their names to load balancers and groups in one account.
            problems.append(Problem("name", f"'{naming.slug(product, request.name)}' is the name of a sandbox."))
    pattern: Pattern | None = None
    settings: dict[str, Any] = {}
    try:
        pattern = catalogue.get(request.pattern)
        settings = check_settings(pattern.parameters, request.settings)
    except NotFound as error:
        problems.append(Problem("pattern", str(error)))
    except Invalid as error:
        problems += error.problems
    problems += unreadable_expiry(request.expires)
    if problems or product is None or pattern is None:
        raise Invalid(problems)
    return product, pattern, settings


def _choose_sandbox(request: CreateRequest, product: Product, pattern: Pattern) -> Sandbox:
    """The named sandbox, or the one of the department with the most room; refused with the reason when none will do.

    Serialised per department, so that two requests cannot both take the last place.
    """
    lock_sandboxes(product.department)
    living = Count("environments", filter=ENVIRONMENTS)
    rows = list(
        Sandbox.objects.filter(department=product.department).annotate(living=living).order_by("living", "name")
    )
    if request.sandbox:
        names = [s.name for s in rows]
        rows = [s for s in rows if s.name == request.sandbox]
        if not rows:
            hint = meant(request.sandbox, names) or f"Its sandboxes: {', '.join(names) or 'none'}."
            said = f"{product.department.title} has no sandbox '{shown(request.sandbox)}'. {hint}"
            raise Invalid.field("sandbox", said)
    if not rows:
        raise Invalid.field("sandbox", f"{product.department.title} has no sandbox yet; platform staff can add one.")
    if request.issues is not None:
        others, rows = rows, [s for s in rows if repository_of(s) == request.issues]
        if not rows:
            raise Invalid.field("sandbox", " ".join(elsewhere(s) for s in others))
    reasons = {s.name: _why_not(s, pattern) or _unserved(s, pattern, product, request.name) for s in rows}
    fitting = next((s for s in rows if reasons[s.name] is None), None)
    if fitting is None:
        raise Invalid.field("sandbox", " ".join(f"{name}: {reason}" for name, reason in reasons.items()))
    return fitting


def _why_not(sandbox: Any, pattern: Pattern) -> str | None:
    if sandbox.status != SandboxStatus.READY:
        return f"is not ready ({sandbox.get_status_display().lower()})."
    if closed := why_closed(sandbox):
        return closed
    if missing := missing_facts(pattern.manifest, sandbox.facts):
        return f"lacks {', '.join(missing)}, which this pattern needs."
    if sandbox.living >= sandbox.max_environments:
        return f"is full: it holds its {sandbox.max_environments} environments."
    if (prefix := pattern.manifest.cidr_prefix) is not None:
        if sandbox.pool is None:
            return f"has no address pool, from which this pattern takes a /{prefix} for each environment."
        largest = free_space(sandbox.pool).largest_prefix
        if largest is None or largest > prefix:
            return f"is full: its address pool {sandbox.pool.name} has no free /{prefix}, which this pattern needs."
    return None


def _unserved(sandbox: Sandbox, pattern: Pattern, product: Product, name: str) -> str | None:
    """Nothing would answer under the host name: it is deeper than the wildcard, and there is no other certificate. Of
    an account's own certificate it is not known here what else it covers; the proof on the plan asks for that."""
    fqdn = naming.fqdn(product, name, sandbox)
    if _is_reached(pattern) and not (
        naming.covered(fqdn, sandbox) or pattern.makes_certificates or sandbox.own_baseline
    ):
        return (
            f"gives host names such as {fqdn}, which its certificate for *.{sandbox.zone_name} does not cover, and "
            f"{pattern.title} makes no certificate of its own."
        )
    return None


def _is_reached(pattern: Pattern) -> bool:
    return "environment.fqdn" in pattern.manifest.fills.values()


def _write(
    user: User, request: CreateRequest, product: Product, pattern: Pattern, settings: dict[str, Any], sandbox: Sandbox
) -> Environment:
    version = version_of(pattern)
    slug = naming.slug(product, request.name)
    _lock(f"slug:{slug}")
    if Environment.objects.exclude(status__in=GONE).filter(slug=slug).exists():
        raise Invalid.field("name", f"'{slug}' is there already.")
    fqdn = naming.fqdn(product, request.name, sandbox) if pattern.manifest.takes_name else ""
    problem = name_problem(fqdn) if fqdn else ""
    if problem := problem or (naming.certificate_problem(fqdn, sandbox) if _is_reached(pattern) else ""):
        raise Invalid.field("name", problem)
    secret = secret_settings(pattern, settings)
    environment = Environment.objects.create(
        product=product,
        name=request.name,
        slug=slug,
        sandbox=sandbox,
        pattern=version,
        backend="s3" if sandbox.executor in REMOTE else get_settings().state,
        settings={path: value for path, value in settings.items() if path not in secret},
        sealed=seal({**made_up_secrets(pattern.manifest), **secret}),
        fqdn=fqdn,
        owner=user,
        expires_at=first_expiry(user, sandbox, request.expires),
    )
    if fqdn:
        claim_fqdn(environment)
    if "allocation.listener_rule_priority" in pattern.manifest.fills.values():
        claim_rule_priority(environment, sandbox)
    if pattern.manifest.cidr_prefix is not None and sandbox.pool is not None:
        claim_block(sandbox.pool, pattern.manifest.cidr_prefix, purpose="own subnets", environment=environment)
    return environment


def _lock(name: str) -> None:
    """An advisory lock until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
