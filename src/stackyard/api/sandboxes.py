"""`/api/sandboxes`."""

import json
from dataclasses import replace
from typing import Any

from django.db.models import Count
from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import ConfigDict, Field, StrictBool, StrictInt, StrictStr

from stackyard.api import convert
from stackyard.api.answers import answers
from stackyard.api.auth import person
from stackyard.api.environments import accepted
from stackyard.api.paging import PageNumber, PageSize, page_of
from stackyard.api.shapes import Accepted, EnvironmentOut, Page, ParameterOut, SandboxOut
from stackyard.cmdb import rights
from stackyard.cmdb.models import Sandbox
from stackyard.environments import sandboxes
from stackyard.environments.occupancy import ENVIRONMENTS
from stackyard.environments.sandboxes import SandboxRequest
from stackyard.patterns.catalogue import Catalogue

router = Router(tags=["sandboxes"])


class SandboxEdit(Schema):
    """A sandbox as it shall be; what is not given stays as it is, or as usual."""

    model_config = ConfigDict(extra="forbid")

    name: StrictStr | None = Field(default=None, description="A DNS label, at most 32 characters.")
    department: StrictStr | None = None
    account_id: StrictStr | None = Field(default=None, description="Twelve digits.")
    region: StrictStr | None = None
    role_arn: StrictStr | None = Field(default=None, description="The role in the account that Stackyard takes.")
    external_id: StrictStr | None = Field(default=None, description="What that role's trust policy asks for.")
    zone_name: StrictStr | None = Field(default=None, description="DNS zone that the host names lie in.")
    parent_zone_id: StrictStr | None = Field(default=None, description="Hosted zone that delegates to it.")
    parent_role_arn: StrictStr | None = Field(default=None, description="Role that writes there; empty: the same.")
    parent_external_id: StrictStr | None = None
    pool: StrictStr | None = Field(default=None, description="Address pool that the network's block comes from.")
    emulated: StrictBool | None = None
    max_environments: StrictInt | None = None
    max_parallel_runs: StrictInt | None = None
    fqdn_rule: StrictStr | None = Field(default=None, description="Such as `<product>-<environment>.<zone>`.")
    deep_names: StrictBool | None = None
    lifetime_days: StrictInt | None = None
    max_lifetime_days: StrictInt | None = None
    force_empty: StrictBool | None = None
    approvals: list[dict[str, Any]] | None = Field(default=None, description="Rules of what has to be approved.")
    executor: StrictStr | None = Field(default=None, description="Where Terraform runs, such as `local`.")
    executor_options: dict[str, StrictStr] | None = Field(
        default=None, description="Names of what the executor uses, where they are not the usual ones."
    )
    issues: StrictStr | None = Field(
        default=None,
        description="Repository whose issues ask for environments and tell of them: owner/name, or none. Empty: the "
        "installation's.",
    )
    facts: dict[str, StrictStr | list[StrictStr]] | None = Field(
        default=None, description="Ids of the account's own components; without them Stackyard builds some."
    )
    own_baseline: StrictBool | None = Field(default=None, description="false takes the account's own components back.")


class SandboxIn(SandboxEdit):
    """A new sandbox."""

    name: StrictStr = Field(description="A DNS label, at most 32 characters.")
    department: StrictStr
    account_id: StrictStr = Field(description="Twelve digits.")
    region: StrictStr
    role_arn: StrictStr = Field(description="The role in the account that Stackyard takes.")
    zone_name: StrictStr = Field(description="DNS zone that the host names lie in.")


class SandboxDetail(SandboxOut):
    """A sandbox with its rules and its baseline."""

    role_arn: str
    external_id: str | None = Field(description="What the role's trust policy asks for. null: for platform staff only.")
    parent_zone_id: str
    parent_role_arn: str
    pool: str
    own_baseline: bool = Field(description="The account's own components are used.")
    fqdn_rule: str
    deep_names: bool
    lifetime_days: int
    max_lifetime_days: int
    max_parallel_runs: int
    force_empty: bool
    approvals: list[Any]
    executor: str
    executor_options: dict[str, Any]
    issues: str = Field(description="Repository of its issues, or none; empty: the installation's.")
    baseline: EnvironmentOut | None = Field(description="The common components that Stackyard built, or is building.")


class PolicyOut(Schema):
    """A policy to be created in AWS."""

    title: str
    policy: dict[str, Any]


class FindingOut(Schema):
    """One thing that was looked at."""

    title: str
    ok: bool | None = Field(description="null: AWS did not tell.")
    found: str
    fix: str = Field(description="What to do about it; may be empty.")


class CheckOut(Schema):
    """Whether a sandbox is fit to be built in."""

    fit: bool = Field(description="Nothing is missing.")
    status: str = Field(description="Of the sandbox; a check of the account's own components changes it.")
    findings: list[FindingOut]


class BaselineOut(Schema):
    """The common components: what can be set, and what stands."""

    version: str = Field(description="Of what a bootstrap would build.")
    parameters: list[ParameterOut]
    environment: EnvironmentOut | None = Field(description="Changed, looked at and compared as every environment is.")


class BootstrapIn(Schema):
    """How the common components are built."""

    model_config = ConfigDict(extra="forbid")

    settings: dict[str, Any] = Field(default_factory=dict, description="Dotted path -> value.")
    vpc_cidr: StrictStr | None = Field(default=None, description="Out of the pool; without: the lowest free block.")


def _rows() -> Any:
    living = Count("environments", filter=ENVIRONMENTS)
    return Sandbox.objects.select_related("department", "pool").annotate(living=living).order_by("name")


def _find(request: HttpRequest, name: str) -> Any:
    return rights.find(person(request), _rows(), name=name)


@router.get("", response=answers(200, Page[SandboxOut]), summary="List sandboxes")
def list_sandboxes(request: HttpRequest, page: PageNumber = 1, size: PageSize = 50) -> Page[SandboxOut]:
    """Your department's sandboxes, by name; all for platform staff."""
    return page_of(rights.visible(person(request), _rows()), page, size, lambda row: SandboxOut(**_sandbox(row)))


@router.post("", response=answers(201, SandboxDetail), summary="Add a sandbox")
def add_sandbox(request: HttpRequest, wish: SandboxIn) -> Status[SandboxDetail]:
    """Platform staff. AWS is not asked, `check` does that; 422 lists every problem by field."""
    values = wish.dict(exclude_none=True)
    own = values.pop("own_baseline", "facts" in values)
    made = sandboxes.add(
        person(request), SandboxRequest(**{**values, "facts": values.get("facts", {}) if own else None})
    )
    return Status(201, _detail(request, made.name))


@router.get("/{sandbox}", response=answers(200, SandboxDetail), summary="Show a sandbox")
def show_sandbox(request: HttpRequest, sandbox: str) -> SandboxDetail:
    """By name."""
    return _detail(request, sandbox)


@router.patch("/{sandbox}", response=answers(200, SandboxDetail), summary="Change a sandbox")
def change_sandbox(request: HttpRequest, sandbox: str, wish: SandboxEdit) -> SandboxDetail:
    """Platform staff. What something that stands there was built with cannot change."""
    user, row = person(request), _find(request, sandbox)
    rights.require_platform(user)
    values = wish.dict(exclude_none=True)
    own = values.pop("own_baseline", row.own_baseline or "facts" in values)
    if not own:
        values["facts"] = None
    elif not row.own_baseline:
        values.setdefault("facts", {})
    changed = sandboxes.update(user, row, replace(SandboxRequest.of(row), **values))
    return _detail(request, changed.name)


@router.get("/{sandbox}/policies", response=answers(200, list[PolicyOut]), summary="Show what its role needs")
def show_policies(request: HttpRequest, sandbox: str) -> list[PolicyOut]:
    """Platform staff. The trust policy and the permission policies that are to be created in the account."""
    rows = _find(request, sandbox)
    rights.require_platform(person(request))
    return [PolicyOut(title=title, policy=json.loads(text)) for title, text in sandboxes.policies_for(rows)]


@router.post("/{sandbox}/check", response=answers(200, CheckOut), summary="Check a sandbox")
def check_sandbox(request: HttpRequest, sandbox: str) -> CheckOut:
    """Platform staff. Asks AWS; takes seconds. Changes nothing in the account."""
    row = _find(request, sandbox)
    found = sandboxes.check(person(request), row)
    return CheckOut(
        fit=all(f.ok is not False for f in found),
        status=row.status,
        findings=[FindingOut(title=f.title, ok=f.ok, found=f.found, fix=f.fix) for f in found],
    )


@router.get("/{sandbox}/baseline", response=answers(200, BaselineOut), summary="Show a sandbox's common components")
def show_baseline(request: HttpRequest, sandbox: str) -> BaselineOut:
    """What can be set of them, and the environment that they are: `baseline-<sandbox>`."""
    row = _find(request, sandbox)
    pattern = Catalogue.from_settings().baseline()
    return BaselineOut(
        version=pattern.version,
        parameters=[convert.parameter_out(p) for p in pattern.parameters if not p.hidden],
        environment=_baseline(row),
    )


@router.post("/{sandbox}/bootstrap", response=answers(202, Accepted), summary="Build a sandbox's common components")
def bootstrap(request: HttpRequest, sandbox: str, wish: BootstrapIn) -> Status[Accepted]:
    """Platform staff. The run is like that of an environment; afterwards the sandbox is ready."""
    user, row = person(request), _find(request, sandbox)
    return accepted(sandboxes.bootstrap(user, row, wish.settings, vpc_cidr=wish.vpc_cidr, via="api"))


@router.delete("/{sandbox}/baseline", response=answers(202, Accepted), summary="Destroy a sandbox's common components")
def destroy_baseline(request: HttpRequest, sandbox: str) -> Status[Accepted]:
    """Platform staff. 409 while an environment lives in the sandbox."""
    return accepted(sandboxes.destroy_baseline(person(request), _find(request, sandbox), via="api"))


@router.post("/{sandbox}/retire", response=answers(200, SandboxDetail), summary="Retire a sandbox")
def retire(request: HttpRequest, sandbox: str) -> SandboxDetail:
    """Platform staff. It takes no environments any more; account and zone stay taken. 409 while something stands."""
    sandboxes.retire(person(request), _find(request, sandbox))
    return _detail(request, sandbox)


@router.post("/{sandbox}/reinstate", response=answers(200, SandboxDetail), summary="Take a retired sandbox back")
def reinstate(request: HttpRequest, sandbox: str) -> SandboxDetail:
    """Platform staff. It is to be bootstrapped, or checked, again."""
    sandboxes.reinstate(person(request), _find(request, sandbox))
    return _detail(request, sandbox)


def _baseline(row: Sandbox) -> EnvironmentOut | None:
    baseline = sandboxes.baseline_of(row)
    return convert.environment_out(baseline) if baseline else None


def _detail(request: HttpRequest, name: str) -> SandboxDetail:
    row = _find(request, name)
    return SandboxDetail(
        **_sandbox(row),
        **{
            name: getattr(row, name)
            for name in (
                *("role_arn", "parent_zone_id", "parent_role_arn", "own_baseline", "fqdn_rule", "deep_names"),
                *("lifetime_days", "max_lifetime_days", "max_parallel_runs", "force_empty", "approvals"),
                *("executor", "executor_options", "issues"),
            )
        },
        external_id=row.external_id if rights.is_platform(person(request)) else None,
        pool=row.pool.name if row.pool else "",
        baseline=_baseline(row),
    )


def _sandbox(row: Any) -> dict[str, Any]:
    return {
        "name": row.name,
        "department": row.department.name,
        "account_id": row.account_id,
        "region": row.region,
        "zone_name": row.zone_name,
        "status": row.status,
        "emulated": row.emulated,
        "environments": row.living,
        "max_environments": row.max_environments,
        "facts": row.facts,
    }
