"""`pattern.yaml`: what a pattern says about itself. Unknown keys are errors, so that a typing mistake is found."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from stackyard.errors import Unusable
from stackyard.patterns.positions import Trouble, in_words, line_in, yaml_lines

Scalar = str | int | float | bool

NAME = r"^[a-z][a-z0-9-]{1,58}$"
"""What a pattern may be called."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Overlay(_Part):
    """What `pattern.yaml` adds to one parameter that the interface file yields. All keys are optional."""

    title: str = ""
    description: str = ""
    type: Literal["", "string", "number", "bool", "list", "map"] = ""
    enum: tuple[Scalar, ...] = ()
    min: float | None = None
    max: float | None = None
    pattern: str = ""
    unit: str = ""
    advanced: bool = False
    hidden: bool = False
    locked: bool = False
    secret: bool = False
    # Shown only while every named parameter has (one of) the given values.
    depends_on: dict[str, Scalar | tuple[Scalar, ...]] = Field(default_factory=dict)


class Secret(_Part):
    """A value that Stackyard makes up once per environment and passes to Terraform outside of the code."""

    length: int = Field(default=32, ge=16, le=128)


class ApprovalRule(_Part):
    """Which plans somebody has to approve. It fits a run of one of `kinds` whose plan does one of `actions` to a
    resource of one of `types` (such as `aws_db_*`); a list that is left out fits everything."""

    kinds: tuple[Literal["create", "change", "destroy"], ...] = ("change",)
    types: tuple[str, ...] = ()
    actions: tuple[Literal["create", "update", "replace", "delete", "forget"], ...] = ()
    role: Literal["requester", "platform"] = "requester"
    # Why, as the person reads it who has to decide.
    note: str = Field(default="", max_length=200)


class Manifest(_Part):
    """The whole of `pattern.yaml`."""

    name: Annotated[str, Field(pattern=NAME)]
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+([-+][0-9A-Za-z.-]+)?$")]
    kind: Literal["environment", "baseline"] = "environment"
    title: str
    description: str
    owner: str = ""
    icon: str = ""
    needs: tuple[str, ...] = ()
    # Alias -> region of further AWS provider configurations in the sandbox's account (CloudFront wants us-east-1).
    providers: dict[str, str] = Field(default_factory=dict)
    # `variables.tf` stands for all `variable` blocks of the pattern's folder, whichever file they are in.
    interface: Literal["locals.tf", "variables.tf"] = "locals.tf"
    # Blocks of the pattern that are left out when an environment is rendered, because Stackyard writes its own.
    replaces: tuple[str, ...] = ()
    fills: dict[str, str] = Field(default_factory=dict)
    # Length of the address block that each environment gets from its sandbox's pool, as `allocation.cidr`.
    cidr_prefix: int | None = Field(default=None, ge=16, le=28)
    parameters: dict[str, Overlay] = Field(default_factory=dict)
    secrets: dict[str, Secret] = Field(default_factory=dict)
    outputs: dict[str, str] = Field(default_factory=dict)
    approvals: tuple[ApprovalRule, ...] = ()
    components: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @property
    def takes_name(self) -> bool:
        """Whether what it builds may have a host name: it is told one, or the zone to make one in."""
        return any(source == "environment.fqdn" or source.startswith("sandbox.zone_") for source in self.fills.values())

    @model_validator(mode="after")
    def _block_with_its_length(self) -> Self:
        if ("allocation.cidr" in self.fills.values()) != (self.cidr_prefix is not None):
            raise ValueError("cidr_prefix and a fill from allocation.cidr belong together: one is missing")
        return self

    @model_validator(mode="before")
    @classmethod
    def _components_as_lists(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("components"), dict):
            data["components"] = {k: (v,) if isinstance(v, str) else tuple(v) for k, v in data["components"].items()}
        return data


def read_manifest(path: Path) -> Manifest:
    """Read and check one `pattern.yaml`.

    Raises Unusable that names the file and every wrong key.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Unusable(f"{path.parent.name} has no pattern.yaml.", hint="Write one: docs/patterns.md.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Unusable(f"{path.parent.name}/pattern.yaml is not YAML: {' '.join(str(error).split())}") from None
    try:
        return Manifest.model_validate(data)
    except ValidationError as error:
        lines, file = yaml_lines(path), f"{path.parent.name}/pattern.yaml"
        wrong = [
            Trouble(file, line_in(lines, *e["loc"]), f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}")
            for e in error.errors()
        ]
        raise Unusable(in_words(wrong), hint="docs/patterns.md lists the keys.") from None
