"""What stands, from the state file."""

import json
from collections.abc import Iterable, Iterator, Mapping
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
        """From the state file, format version 4, which tells the same as `terraform show -json` and, unlike that, needs
        no provider's schema: half a second less with the AWS provider. An empty mapping is the empty state."""
        outputs = data.get("outputs") or {}
        return cls(
            resources=tuple(sorted(_resources(data.get("resources") or ()), key=lambda r: (r.module, r.address))),
            outputs={name: o.get("value") for name, o in sorted(outputs.items()) if not o.get("sensitive")},
        )


def _resources(items: Iterable[Mapping[str, Any]]) -> Iterator[Resource]:
    for item in items:
        if item.get("mode") != "managed":
            continue
        module = str(item.get("module", ""))
        whole = ".".join(filter(None, (module, str(item["type"]), str(item["name"]))))
        for instance in item.get("instances") or ():
            if instance.get("deposed"):
                continue  # what a replacement could not delete yet; its successor has the address
            key = instance.get("index_key")
            secret = {path[0].get("value") for path in instance.get("sensitive_attributes") or () if path}
            values = {k: v for k, v in (instance.get("attributes") or {}).items() if k not in secret}
            yield Resource(
                address=whole if key is None else f"{whole}[{json.dumps(key)}]",
                type=str(item["type"]),
                name=str(item["name"]),
                module=module,
                id=str(values.get("id") or ""),
                arn=str(values.get("arn") or ""),
                depends_on=tuple(sorted(instance.get("dependencies") or ())),
            )
