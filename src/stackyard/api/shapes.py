"""What the API takes and gives, as schemas. Field names are the contract; rows become shapes in `convert`."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

from ninja import Schema
from pydantic import ConfigDict, Field, StrictBool, StrictInt, StrictStr

Item = TypeVar("Item")

ErrorCode = Literal["invalid", "not_found", "forbidden", "conflict", "unavailable", "unauthorised", "internal"]


class ProblemOut(Schema):
    """One refused input."""

    field: str = Field(description="As the caller wrote it; settings as `settings.<path>`.")
    message: str = Field(description="The rule.")


class ErrorBody(Schema):
    """What went wrong, for a person and for a program."""

    code: ErrorCode
    message: str
    hint: str = Field(description="What to do next; may be empty.")
    problems: list[ProblemOut] = Field(description="Every refused input; empty unless the code is `invalid`.")


class Failure(Schema):
    """The one shape of every error."""

    error: ErrorBody


class Page(Schema, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    count: int = Field(description="How many there are on all pages.")
    page: int
    size: int


class CreateIn(Schema):
    """A wish for a new environment."""

    model_config = ConfigDict(extra="forbid")

    product: StrictStr = Field(description="Name of one of your products.")
    pattern: StrictStr = Field(description="Name of a pattern.")
    name: StrictStr = Field(description="A DNS label. The environment is called `<product>-<name>`.")
    sandbox: StrictStr = Field(default="", description="Empty: the department's sandbox with the most room.")
    settings: dict[str, Any] = Field(
        default_factory=dict,
        description="Dotted path of a parameter of the pattern -> value. Only what differs from the default is needed.",
        examples=[{"container.cpu": 512}],
    )
    expires: StrictInt | StrictStr | None = Field(
        default=None,
        description="Days, an ISO date, or `never` (platform staff only). Without: the sandbox's usual time.",
        examples=[14, "2027-01-31"],
    )


class PatternRef(Schema):
    """What an environment was built from."""

    name: str
    version: str


class EditIn(Schema):
    """What is to be different."""

    model_config = ConfigDict(extra="forbid")

    set: dict[str, Any] = Field(
        default_factory=dict,
        description="Dotted path -> value; a path may lead into a map, as in `container.environment.MODE`.",
        examples=[{"container.cpu": 512}],
    )
    unset: list[StrictStr] = Field(
        default_factory=list,
        max_length=1000,
        description="Paths that go back to the pattern's default, and entries of maps that go.",
    )


class ChangeIn(EditIn):
    """A wish for an environment that stands."""

    plan_only: StrictBool = Field(default=False, description="End after the plan; nothing is recorded or applied.")
    confirm: StrictBool = Field(default=False, description="Wait for approval, whatever the plan.")


class UpgradeIn(ChangeIn):
    """A wish to bring an environment to the newer version of its pattern. Settings go by that version's rules."""

    take: dict[str, Literal["mine", "new"]] = Field(
        default_factory=dict,
        max_length=1000,
        description="For each conflict, by its path or the name of its file: what is to stand there.",
        examples=[{"container.memory": "mine", "main.tf": "new"}],
    )
    digest: StrictStr = Field(
        default="", description="`digest` of the preview that you saw; refused when the catalogue has another by now."
    )


class ConflictOut(Schema):
    """What both the new version and this environment changed. Texts as they are written in HCL, empty: not there."""

    path: str = Field(description="Of a setting or another value of the interface file; or the name of a file.")
    file: bool
    old: str = Field(description="In the version that built it; empty for a file.")
    new: str
    mine: str
    reason: str
    choices: list[str] = Field(description="What may be taken: `mine`, `new`.")
    decided: bool = Field(description="By `take` of this request.")


class UpgradeOut(Schema):
    """What an upgrade would do to the recorded code."""

    built: PatternRef = Field(description="The version that built the recorded code.")
    to: PatternRef = Field(description="The version in the catalogue.")
    digest: str
    diff: list[str] = Field(description="Of the interface file, unified, one line each.")
    kept: list[str] = Field(description="Paths and files that stay as they are here, against the new version.")
    conflicts: list[ConflictOut]
    problems: list[ProblemOut] = Field(description="What is in the way beside undecided conflicts.")
    added: list[str] = Field(description="Files that the new version brings.")
    changed: list[str]
    removed: list[str]
    components: dict[str, str] = Field(
        description="Component -> `new`, `changed` or `gone`, as far as the code tells; the run's plan is certain."
    )


class ImpactOf(Schema):
    """One environment, and what the version would mean for it."""

    environment: str
    version: str = Field(description="What it is built from.")
    clean: bool = Field(description="It follows without anybody's decision.")
    conflicts: list[str] = Field(description="Paths and files that somebody has to decide.")
    refused: list[str] = Field(description="Of these the settings that the version does not take any more.")
    problems: list[ProblemOut]
    error: str = Field(description="Why this cannot be told.")


class ImpactOut(Schema):
    """What a version of a pattern would mean for the environments that stand, as far as you may see them."""

    pattern: PatternRef
    digest: str
    breaks: int = Field(description="How many would need a decision, or could not follow.")
    items: list[ImpactOf]


class PatternFiles(Schema):
    """A pattern that is not published yet."""

    model_config = ConfigDict(extra="forbid")

    files: dict[str, StrictStr] = Field(
        max_length=2000,
        description="`pattern/<path>` and `modules/<name>/<path>` -> content in Base64, all files of the pattern "
        "and of the modules that it uses.",
    )


class ApproveIn(Schema):
    """Yes to a plan."""

    model_config = ConfigDict(extra="forbid")

    confirmation: StrictStr = Field(default="", description="The environment's slug, when the plan is destructive.")
    digest: StrictStr = Field(default="", description="`plan.digest` of the plan that you saw; refused when it is old.")


class PreviewOut(Schema):
    """What a change would do to the recorded interface file."""

    diff: list[str] = Field(description="Unified, one line each; empty: no difference.")
    touched: bool = Field(description="The wish itself makes a difference, not only what Stackyard fills anew.")
    problems: list[ProblemOut]


class ExtendIn(Schema):
    """How much longer an environment is to live; exactly one of the three."""

    model_config = ConfigDict(extra="forbid")

    days: StrictInt | None = Field(default=None, description="So many days more than it has left.")
    until: StrictStr | None = Field(default=None, description="To the end of this day (ISO date, UTC).")
    never: StrictBool = Field(default=False, description="It does not expire any more; platform staff only.")


class SandboxRef(Schema):
    """The AWS account that an environment lies in."""

    name: str
    account_id: str
    region: str


class EnvironmentOut(Schema):
    """An environment in a list."""

    uid: str = Field(description="Names it for ever; a slug can be used again after destruction.")
    slug: str
    name: str
    product: str
    department: str
    sandbox: SandboxRef
    pattern: PatternRef
    fqdn: str
    status: str
    owner: str
    created_at: datetime
    ready_at: datetime | None
    destroyed_at: datetime | None
    expires_at: datetime | None = Field(description="None: it does not expire.")
    deletion_at: datetime | None = Field(description="When it is destroyed by itself: its expiry and a grace.")


class DriftAttribute(Schema):
    """One attribute that differs. Both values are null when they are sensitive."""

    path: str
    before: Any = Field(description="As it was applied.")
    after: Any = Field(description="As AWS has it.")
    sensitive: bool


class DriftResource(Schema):
    """A resource that was changed (`update`) or taken away (`delete`) behind Terraform's back."""

    address: str
    action: Literal["update", "delete"]
    attributes: list[DriftAttribute]


class DriftOut(Schema):
    """What differs between what was applied and what AWS has, as it was last looked at."""

    checked_at: datetime | None = Field(description="None: nobody has looked yet.")
    run: int | None = Field(description="The run that found it; null when nothing differs.")
    digest: str = Field(description="Names what differs; empty when nothing does.")
    resources: list[DriftResource]


class WorkflowOut(Schema):
    """A workflow of GitHub Actions."""

    name: str = Field(description="Of the file in `.github/workflows/`.")
    text: str


class AcceptIn(Schema):
    """What is accepted."""

    model_config = ConfigDict(extra="forbid")

    digest: StrictStr = Field(default="", description="Of what you saw; refused when something else differs by now.")


class StageOut(Schema):
    """One step of a run."""

    name: str
    title: str
    status: str
    started_at: datetime | None
    finished_at: datetime | None
    seconds: float | None = Field(description="How long it took, or has taken so far.")


class RunOut(Schema):
    """A run in a list."""

    id: int
    environment: str = Field(description="Slug of its environment.")
    environment_uid: str
    kind: str
    status: str
    active: bool = Field(description="True while it waits or works.")
    requested_by: str = Field(description="Whose rights it has: who asked, or the environment's owner.")
    via: str = Field(description="portal, api, github or schedule.")
    asked_by: str = Field(description="Who or what asked for it, in words: `rika`, `the schedule, as it had expired`.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    position: int | None = Field(description="Its place in the queue, counted from 1; null when it is not in it.")
    eta_seconds: int | None = Field(
        description="How long until it ends, by earlier runs of this pattern and by the queue; null when not known."
    )
    error: str
    hint: str
    problems: list[ProblemOut] = Field(description="Settings that the pattern or AWS refused; often empty.")


class RunDetail(RunOut):
    """A run with its stages."""

    stages: list[StageOut]
    plan: dict[str, Any]
    planned_path: list[Any] = Field(
        description="Of a create, until the path is proven: its hops by the plan, each as in `hops` of the environment."
    )
    leftovers: list[Any] = Field(description="What is still in AWS after a destroy or a rollback.")
    engine: str
    commit: str
    takeovers: int
    approval_role: str = Field(description="While it waits: `platform` when only platform staff may approve it.")
    approval_until: datetime | None = Field(description="Without an approval by then it ends with nothing applied.")
    cancel_requested: bool
    keep: bool = Field(description="A cancelled create keeps what it has built.")
    tries: int = Field(description="How often a stage was tried again because AWS asked for patience.")


class EnvironmentDetail(EnvironmentOut):
    """An environment with everything that is known about it."""

    settings: dict[str, Any] = Field(description="What differs from the pattern's defaults. Secret values are hidden.")
    outputs: dict[str, Any]
    resources: list[Any]
    hops: list[Any] = Field(
        description="The line from FQDN to the last part, as it was last proven; before that as planned (`planned`)."
    )
    proven_at: datetime | None = Field(description="When it was last proven.")
    commit: str
    run: RunDetail | None = Field(description="Its latest run.")


class Accepted(Schema):
    """A wish was accepted; the run says how it goes on."""

    environment: EnvironmentOut
    run: RunOut


class EventOut(Schema):
    """One line of a run's log."""

    id: int
    at: datetime
    stage: str
    level: str
    message: str
    address: str = Field(description="Address of the resource in Terraform, where there is one.")


class Events(Schema):
    """A part of a run's log. Ask again with `after=<next>` until `run.active` and `more` are both false."""

    run: RunDetail
    events: list[EventOut]
    next: int
    more: bool = Field(description="More lines are there already.")


class PatternOut(Schema):
    """A pattern in a list."""

    name: str
    version: str
    title: str
    description: str
    owner: str
    needs: list[str] = Field(description="Common components that a sandbox must have.")
    tested_at: datetime | None = Field(description="When exactly this content last passed `stackyard pattern test`.")


class ParameterOut(Schema):
    """One setting that a person may give."""

    path: str
    kind: Literal["string", "number", "bool", "list", "map"]
    required: bool = Field(description="It has no default: it must be given.")
    nullable: bool = Field(description="null is a value as well.")
    default: Any
    title: str
    description: str
    group: str
    enum: list[str | int | float | bool]
    min: float | None
    max: float | None
    pattern: str
    unit: str
    advanced: bool
    locked: bool
    secret: bool
    depends_on: dict[str, Any]


class PatternDetail(PatternOut):
    """A pattern with its interface and its README."""

    parameters: list[ParameterOut]
    outputs: dict[str, str] = Field(description="Name of an output -> its title.")
    readme: str = Field(description="Markdown.")


class SettingsOut(Schema):
    """What can be changed of an environment."""

    parameters: list[ParameterOut]
    values: dict[str, Any] = Field(description="Path -> value in the recorded code.")


class TestReport(Schema):
    """What `stackyard pattern test --json` prints."""

    __test__: ClassVar[bool] = False

    pattern: str = Field(max_length=60)
    version: str = Field(max_length=40)
    digest: str = Field(max_length=64)
    passed: bool
    variants: list[dict[str, Any]] = Field(max_length=1000)


class PatternList(Schema):
    """All patterns, and for platform staff why others cannot be used."""

    items: list[PatternOut]
    broken: dict[str, str]


class ProductOut(Schema):
    """A product."""

    name: str
    title: str
    description: str
    department: str
    may_request: bool = Field(description="Whether you may create environments for it.")


class SandboxOut(Schema):
    """A sandbox."""

    name: str
    department: str
    account_id: str
    region: str
    zone_name: str
    status: str
    emulated: bool
    environments: int = Field(description="How many stand in it now.")
    max_environments: int
    facts: dict[str, Any] = Field(description="What its common components offer to patterns.")


class RoleOut(Schema):
    """A role of a person. `department` empty: everywhere."""

    role: str
    department: str


class Me(Schema):
    """Whose token this is."""

    username: str
    full_name: str
    roles: list[RoleOut]
    platform: bool
    may_request: bool


class Health(Schema):
    """The server answers, and so does its database."""

    status: Literal["ok"]
    version: str


Name = Annotated[str, Field(max_length=40, pattern=r"^[a-z0-9-]*$")]
"""A name to filter by; empty: no filter."""

RowId = Annotated[int, Field(ge=0, lt=2**63)]
"""An id as PostgreSQL can hold it."""
