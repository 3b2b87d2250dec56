"""What differs in AWS from what was applied, by resource and attribute, from `terraform show -json <plan>`.

Terraform's own list (`resource_drift`: the state against what the refresh found) also holds what nobody changed,
because providers fill in more than was asked for, and what the code leaves to others by `ignore_changes`. So only those
attributes count which the same plan would put back (`resource_changes`). What only the plan would change, because the
code was edited since, is no drift either.
Format: https://developer.hashicorp.com/terraform/internals/json-format
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

Path = tuple[str | int, ...]

SECRET_WORD = re.compile(r"secret|token|passw|credential|private_?key", re.IGNORECASE)
"""What is called so is hidden, also where a provider does not say that it is sensitive."""

LONGEST = 500
"""Characters of a value that are kept."""

_NOTHING: tuple[Any, ...] = (None, "", [], {})


@dataclass(frozen=True)
class Attribute:
    """`before`: as it was applied, `after`: as AWS has it; both None when `sensitive`."""

    path: str
    before: Any
    after: Any
    sensitive: bool = False


@dataclass(frozen=True)
class Drifted:
    """A resource that was changed (`update`) or taken away (`delete`) behind Terraform's back."""

    address: str
    action: str
    attributes: tuple[Attribute, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For the environment's row."""
        return {"address": self.address, "action": self.action, "attributes": [asdict(a) for a in self.attributes]}


def drift_in(plan: Mapping[str, Any], clean: Callable[[str], str] = lambda text: text) -> tuple[Drifted, ...]:
    """The drift in a plan's JSON representation, by address. `clean` takes secrets out of texts that are shown."""
    planned = {str(item.get("address")): item.get("change") or {} for item in plan.get("resource_changes") or ()}
    found = []
    for item in plan.get("resource_drift") or ():
        address, change = str(item.get("address", "")), item.get("change") or {}
        put_back = planned.get(address, {})
        if item.get("mode") != "managed" or put_back.get("actions") in (None, ["no-op"], ["read"]):
            continue
        if change.get("actions") == ["delete"]:
            if "create" in put_back["actions"]:
                found.append(Drifted(address, "delete"))
        elif attributes := tuple(_attributes(change, put_back, clean)):
            found.append(Drifted(address, "update", attributes))
    return tuple(sorted(found, key=lambda d: d.address))


def _attributes(
    change: Mapping[str, Any], put_back: Mapping[str, Any], clean: Callable[[str], str]
) -> Iterator[Attribute]:
    would_change = [path for path, _, _ in _differences(put_back.get("before"), put_back.get("after"))]
    # What the plan cannot know before the apply would change as well, as far as it can tell.
    would_change += _unknown(put_back.get("after_unknown"))
    drifted = [
        (path, before, after)
        for path, before, after in _differences(change.get("before"), change.get("after"))
        if any(_within(path, other) or _within(other, path) for other in would_change)
    ]
    paths = {path for path, _, _ in drifted}
    for path, before, after in sorted(drifted, key=lambda d: tuple(map(str, d[0]))):
        if path[0] == "tags_all" and ("tags", *path[1:]) in paths:
            continue  # the provider's second view of the same tag
        whole = (change.get("before"), change.get("after"))
        sensitive = (
            any(_marked(change.get(side), path) for side in ("before_sensitive", "after_sensitive"))
            or SECRET_WORD.search(_text(path)) is not None
            or any(_named_secret(value, path) for value in whole)
            or any(map(_holds_secret, (before, after)))
        )
        if sensitive:
            before = after = None
        yield Attribute(_text(path), _short(before, clean), _short(after, clean), sensitive)


def _differences(one: Any, other: Any, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """(path, value here, value there) of every leaf that differs. No value, empty text and empty list are the same."""
    if one == other or (one in _NOTHING and other in _NOTHING):
        return
    one_json, other_json = _parsed(one), _parsed(other)
    if one_json is not None and other_json is not None:
        yield from _differences(one_json, other_json, path)
    elif isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            yield from _differences(one.get(key), other.get(key), (*path, key))
    elif _blocks(one) and _blocks(other) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differences(left, right, (*path, index))
    elif isinstance(one, dict) and other is None and path:
        yield from _differences(one, {}, path)
    elif isinstance(other, dict) and one is None and path:
        yield from _differences({}, other, path)
    else:
        yield path, one, other


def _parsed(value: Any) -> Any:
    """A text that is a JSON object or list, such as a policy: read, so that its parts can be told apart."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return None
    return None


def _blocks(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _unknown(marks: Any, path: Path = ()) -> list[Path]:
    if marks is True:
        return [path]
    children = marks.items() if isinstance(marks, dict) else enumerate(marks) if isinstance(marks, list) else ()
    return [found for key, child in children for found in _unknown(child, (*path, key))]


def _within(path: Path, other: Path) -> bool:
    return path[: len(other)] == other


def _marked(marks: Any, path: Path) -> bool:
    """Whether the value at `path`, one around it or one in it is marked sensitive."""
    for step in path:
        if marks is True:
            return True
        if isinstance(marks, dict):
            marks = marks.get(step)
        elif isinstance(marks, list) and isinstance(step, int) and step < len(marks):
            marks = marks[step]
        else:
            return False
    return bool(_unknown(marks))


def _named_secret(value: Any, path: Path) -> bool:
    """Whether the path leads through an object such as {name = "DB_PASSWORD", value = ...}."""
    for step in path:
        value = parsed if (parsed := _parsed(value)) is not None else value
        if isinstance(value, dict):
            if SECRET_WORD.search(str(value.get("name", ""))):
                return True
            value = value.get(str(step))
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return False
    return _holds_secret(value)


def _holds_secret(value: Any) -> bool:
    """Whether a whole list or object has a part whose name says that it is secret."""
    if isinstance(value, dict):
        named = SECRET_WORD.search(str(value.get("name", "")))
        return bool(named) or any(SECRET_WORD.search(str(k)) or _holds_secret(v) for k, v in value.items())
    return isinstance(value, list) and any(map(_holds_secret, value))


def _short(value: Any, clean: Callable[[str], str]) -> Any:
    """As it is kept: short, and without hidden values."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True))
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"


def _text(path: Path) -> str:
    """`health_check[0].path`, `tags.Name`, `tags["stackyard:name"]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif re.fullmatch(r"[A-Za-z_][\w-]*", step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step)}]"
    return text
