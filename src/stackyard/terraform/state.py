"""What stands, from `terraform show -json`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Resource:
    """One managed resource: enough to name it, find it in AWS and draw it; no other attribute leaves the state."""

    address: str
    type: str
    name: str
    module: str
    id: str
    arn: str = ""
    depends_on: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For the environment's row."""
        return {**vars(self), "depends_on": list(self.depends_on)}


@dataclass(frozen=True)
class State:
    """Resources and outputs. Sensitive outputs are not in it."""

    resources: tuple[Resource, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "State":
        """From the state's JSON representation; an empty state has no `values`."""
        values = data.get("values") or {}
        outputs = values.get("outputs") or {}
        return cls(
            resources=tuple(_resources(values.get("root_module") or {}, "")),
            outputs={name: o.get("value") for name, o in sorted(outputs.items()) if not o.get("sensitive")},
        )


def _resources(module: Mapping[str, Any], path: str) -> Iterator[Resource]:
    for item in module.get("resources") or ():
        if item.get("mode") != "managed":
            continue
        secret = item.get("sensitive_values") or {}
        values = {k: v for k, v in (item.get("values") or {}).items() if not secret.get(k)}
        yield Resource(
            address=str(item["address"]),
            type=str(item["type"]),
            name=str(item["name"]),
            module=path,
            id=str(values.get("id") or ""),
            arn=str(values.get("arn") or ""),
            depends_on=tuple(sorted(item.get("depends_on") or ())),
        )
    for child in module.get("child_modules") or ():
        yield from _resources(child, str(child.get("address", "")))
