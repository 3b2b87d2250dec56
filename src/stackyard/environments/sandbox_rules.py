"""What a sandbox may be: every rule that a request breaks, by itself and against what is there."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from django.core.exceptions import ValidationError

from stackyard.aws.jobs import Buckets
from stackyard.aws.own_components import GIVEN, problems_of
from stackyard.cmdb.models import AddressPool, Department, Environment, Sandbox, SandboxStatus
from stackyard.cmdb.models.environment import GONE
from stackyard.cmdb.space import space_of
from stackyard.cmdb.validators import DNS_LABEL
from stackyard.environments.issues import problems_of_issues
from stackyard.errors import Invalid, Problem, meant, shown
from stackyard.executors.options import problems_of as problems_of_executor
from stackyard.executors.registry import REMOTE, names
from stackyard.runs.context import access_to
from stackyard.runs.rules import parse
from stackyard.settings import get_settings

LONGEST_NAME = 32
"""The shared load balancer is called as its sandbox (ELBv2 CreateLoadBalancer: at most 32 characters)."""

_ZONE_ID = re.compile(r"[A-Z0-9]{1,32}")

FIXED = ("name", "account_id", "region", "zone_name", "emulated", "department", "parent_zone_id", "facts")
"""What stays as it is while something stands in the account."""


NOT_BY_NAME = ("department", "pool", "facts", "approvals")
"""Fields of a request that a row holds in another form."""


@dataclass(frozen=True, kw_only=True)
class SandboxRequest:
    """A sandbox as it shall be. `department` and `pool`: by name; `pool` empty: none.

    `approvals`: rules as `runs.rules` reads them. `executor`: where Terraform runs, and names of what it uses there as
    `executor_options`. `issues`: the repository of its issues, `none`, or empty: the installation's. `facts` None:
    Stackyard builds the common components. Else the account's own, by their ids (`aws.own_components`).
    `parent_zone_id` empty: somebody else delegates the zone. `parent_role_arn` empty: the sandbox's role does it.
    """

    name: str
    department: str
    account_id: str
    region: str
    role_arn: str
    external_id: str = ""
    zone_name: str
    parent_zone_id: str = ""
    parent_role_arn: str = ""
    parent_external_id: str = ""
    pool: str = ""
    emulated: bool = False
    max_environments: int = 50
    max_parallel_runs: int = 4
    fqdn_rule: str = "<product>-<environment>.<zone>"
    deep_names: bool = False
    lifetime_days: int = 30
    max_lifetime_days: int = 90
    force_empty: bool = True
    approvals: Sequence[Mapping[str, Any]] = ()
    executor: str = "local"
    executor_options: Mapping[str, Any] = field(default_factory=dict)
    issues: str = ""
    facts: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, sandbox: Sandbox) -> "SandboxRequest":
        """The sandbox as it is, to be changed in parts with `dataclasses.replace`."""
        own = {f.name: getattr(sandbox, f.name) for f in fields(cls) if f.name not in NOT_BY_NAME}
        given = {name: value for name, value in sandbox.facts.items() if name in GIVEN}
        return cls(
            **own,
            department=sandbox.department.name,
            pool=sandbox.pool.name if sandbox.pool else "",
            facts=given if sandbox.own_baseline else None,
            approvals=tuple(sandbox.approvals),
        )


def filled(request: SandboxRequest, sandbox: Sandbox) -> tuple[Sandbox, list[Problem]]:
    """`sandbox`, a new row or one that is there, with the request's values, not saved; and all that is wrong with
    it."""
    known = sandbox.pk is not None
    problems = list(_fixed(request, sandbox)) if known else []
    for given in fields(SandboxRequest):
        if given.name not in ("department", "pool", "facts"):
            setattr(sandbox, given.name, getattr(request, given.name))
    department = Department.objects.filter(name=request.department).first() if _findable(request.department) else None
    if department is None:
        problems.append(Problem("department", _no_department(request.department)))
    else:
        sandbox.department = department
    sandbox.pool = AddressPool.objects.filter(name=request.pool).first() if _findable(request.pool) else None
    sandbox.own_baseline = request.facts is not None
    problems += _by_model(sandbox)
    broken = {p.field for p in problems}
    problems += [p for p in (*_of_names(sandbox), *_against_others(sandbox)) if p.field not in broken]
    problems += _of_parent(sandbox)
    problems += _of_runs(sandbox)
    problems += _of_pool(request, sandbox, standing=known and _standing(sandbox))
    if sandbox.max_lifetime_days < sandbox.lifetime_days:
        problems.append(Problem("max_lifetime_days", f"Must be at least the usual {sandbox.lifetime_days} days."))
    if sandbox.emulated and not get_settings().aws_endpoint:
        problems.append(Problem("emulated", "There is no emulator here: STACKYARD_AWS_ENDPOINT is not set."))
    if request.facts is not None:
        problems += problems_of(request.facts, account_id=sandbox.account_id, region=sandbox.region)
    return sandbox, problems


def _no_department(name: str) -> str:
    if not name:
        return "Choose one."
    near = meant(name, Department.objects.values_list("name", flat=True))
    return f"There is no department '{shown(name)}'. {near}".strip()


def _findable(name: str) -> bool:
    return bool(DNS_LABEL.match(name))


def _by_model(sandbox: Sandbox) -> Iterator[Problem]:
    """The rules of the single fields, which the models keep, and of the role's account."""
    try:
        sandbox.full_clean(exclude=["department", "pool", "facts"], validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        for name, errors in error.error_dict.items():
            for each in errors:
                said = ["This field is required."] if each.code == "blank" else each.messages
                yield from (Problem(name, message) for message in said)


def _of_names(sandbox: Sandbox) -> Iterator[Problem]:
    if sandbox.own_baseline:
        return
    if len(sandbox.name) > LONGEST_NAME:
        yield Problem("name", f"Use at most {LONGEST_NAME} characters: its load balancer is called so.")
    elif Environment.objects.filter(slug=sandbox.name).exclude(status__in=GONE).exists():
        yield Problem("name", f"'{sandbox.name}' is an environment; names of resources in AWS begin with either.")
    elif sandbox.name.startswith("internal-"):
        yield Problem("name", "No load balancer may have a name that begins with internal-.")


def _against_others(sandbox: Sandbox) -> Iterator[Problem]:
    """One account, one name and one zone for each sandbox, retired ones included; no zone inside of another's."""
    for other in Sandbox.objects.exclude(pk=sandbox.pk).order_by("name"):
        what = f"{other.name}, which is retired" if other.status == SandboxStatus.RETIRED else other.name
        if other.name == sandbox.name:
            yield Problem("name", f"There is a sandbox '{other.name}' already.")
        if other.account_id == sandbox.account_id:
            yield Problem("account_id", f"Account {other.account_id} is sandbox {what}.")
        if other.zone_name == sandbox.zone_name:
            yield Problem("zone_name", f"{other.zone_name} is the zone of sandbox {what}.")
        elif sandbox.zone_name.endswith(f".{other.zone_name}"):
            yield Problem("zone_name", f"It lies inside of {other.zone_name}, the zone of sandbox {what}.")
        elif other.zone_name.endswith(f".{sandbox.zone_name}"):
            yield Problem("zone_name", f"{other.zone_name}, the zone of sandbox {what}, would lie inside of it.")


def _of_parent(sandbox: Sandbox) -> Iterator[Problem]:
    if sandbox.parent_zone_id and not _ZONE_ID.fullmatch(sandbox.parent_zone_id):
        yield Problem("parent_zone_id", "Write the id of a hosted zone, such as Z0123456789ABCDEFGHIJ.")
    if sandbox.parent_role_arn and not sandbox.parent_zone_id:
        yield Problem("parent_zone_id", "Say which hosted zone the role of the parent zone is for.")
    if sandbox.parent_external_id and not sandbox.parent_role_arn:
        yield Problem("parent_role_arn", "Say which role the external id of the parent zone is for.")


def _of_runs(sandbox: Sandbox) -> Iterator[Problem]:
    sandbox.approvals = [dict(rule) for rule in sandbox.approvals or ()]
    try:
        parse(sandbox.approvals)
    except Invalid as error:
        for problem in error.problems:
            _, number, *key = problem.field.split(".")
            where = f"Rule {int(number) + 1}" + (f", {'.'.join(key)}" if key else "")
            yield Problem("approvals", f"{where}: {problem.message}")
    if sandbox.executor not in names():
        yield Problem("executor", f"There is no executor '{shown(sandbox.executor)}': choose of {', '.join(names())}.")
    access = access_to(sandbox, get_settings())
    yield from problems_of_executor(sandbox.executor, sandbox.executor_options, get_settings(), access)
    yield from problems_of_issues(sandbox.issues, get_settings())


def _of_pool(request: SandboxRequest, sandbox: Sandbox, *, standing: bool) -> Iterator[Problem]:
    if request.pool and sandbox.pool is None:
        yield Problem("pool", f"There is no address pool '{shown(request.pool)}'.")
    elif sandbox.pool is not None and not sandbox.own_baseline and not standing:
        wanted, largest = sandbox.pool.vpc_prefix, space_of(sandbox.pool).largest_prefix
        if largest is None or largest > wanted:
            room = f"its largest free block is a /{largest}" if largest else "nothing in it is free"
            yield Problem("pool", f"{sandbox.pool.name} is too small for a network of /{wanted}: {room}.")


def _standing(sandbox: Sandbox) -> bool:
    return Environment.objects.filter(sandbox=sandbox).exclude(status__in=GONE).exists()


def _fixed(request: SandboxRequest, sandbox: Sandbox) -> Iterator[Problem]:
    """What an environment or a baseline that stands has been built with."""
    if not _standing(sandbox):
        return
    now = SandboxRequest.of(sandbox)
    for name in FIXED:
        if getattr(now, name) != getattr(request, name):
            yield Problem(name, f"This cannot change while something stands in {sandbox.name}.")
    yield from _fixed_state(request, sandbox)


def _fixed_state(request: SandboxRequest, sandbox: Sandbox) -> Iterator[Problem]:
    """The bucket of results is also that of the state, where no other one is known."""
    if sandbox.executor not in REMOTE or get_settings().state_bucket or sandbox.facts.get("state_bucket"):
        return
    if not Environment.objects.filter(sandbox=sandbox, backend="s3").exclude(status__in=GONE).exists():
        return
    bucket = _results_bucket(sandbox.executor_options, sandbox)
    said = f"The state of what stands in {sandbox.name} lies in bucket {bucket}, where results come."
    options = request.executor_options
    if request.executor not in REMOTE:
        yield Problem("executor", f"{said} Choose of {', '.join(sorted(REMOTE))}.")
    elif isinstance(options, Mapping) and _results_bucket(options, sandbox) != bucket:
        yield Problem("executor_options", f"results: {said}")


def _results_bucket(options: Mapping[str, Any], sandbox: Sandbox) -> str:
    return Buckets.of(access_to(sandbox, get_settings()), options).results
