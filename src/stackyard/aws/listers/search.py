"""What is looked for, and how a find is told."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from stackyard.aws.sessions import SandboxAccess

EDGE_REGION = "us-east-1"
"""Where the firewalls and certificates of CloudFront are kept, wherever the rest is."""


@dataclass(frozen=True)
class Leftover:
    """One thing that is still there. `service` and `kind` in the words of AWS, `id` its name, id or ARN,
    `how_to_clear` what a person does about it."""

    service: str
    kind: str
    id: str
    how_to_clear: str


@dataclass(frozen=True)
class Search:
    """One environment in one account: its tag, the name that all its resources' names contain, its FQDN and the hosted
    zone that this lies in (both may be empty)."""

    access: SandboxAccess
    tag_key: str
    tag_value: str
    name: str
    fqdn: str = ""
    zone_id: str = ""
    further_names: tuple[str, ...] = ()

    def client(self, service: str, *, region: str = "") -> Any:
        """A boto3 client in the environment's account."""
        return self.access.client(service, region=region)

    def owns(self, name: str, tags: Mapping[str, str]) -> bool:
        """By its tag; without one, by exactly the environment's name. Another environment's tag always says no, even
        when that environment has taken over the name."""
        return tags[self.tag_key] == self.tag_value if self.tag_key in tags else name == self.name

    @property
    def final_snapshot(self) -> str:
        """The name of the one snapshot that stays because somebody asked for it when the database was made."""
        return f"{self.name}-final-{self.tag_value}"

    def may_own(self, name: str) -> bool:
        """Whether it pays to ask for the tags of something of that name, where AWS tells tags only one by one."""
        return self.name in name


Lister = Callable[[Search], Iterator[Leftover]]


def tag_map(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Tags in AWS's list form, by key. Services do not agree on upper and lower case of `Key`."""
    return {tag.get("Key") or tag.get("key", ""): tag.get("Value") or tag.get("value", "") for tag in tags}


def pages(client: Any, operation: str, items: str, **arguments: Any) -> Iterator[Any]:
    """All `items` of all pages that a list operation answers."""
    if not client.can_paginate(operation):
        yield from getattr(client, operation)(**arguments).get(items, [])
        return
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page.get(items, [])


def batches(items: Iterable[str], size: int) -> Iterator[list[str]]:
    """Lists of at most `size` items, because AWS takes no more in one call."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
