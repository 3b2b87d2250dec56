"""What a person asks for, as one frozen value, whichever door it came through."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class CreateRequest:
    """A wish for a new environment. `sandbox` empty: the department's sandbox with the most room.

    `expires`: days, an ISO date or `never` (`environments.lifetimes`); None: the sandbox's usual time. `issues`: it is
    asked for in an issue of this repository, so only a sandbox whose issues lie there will do; None: any.
    """

    product: str
    pattern: str
    name: str
    sandbox: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    expires: int | str | None = None
    issues: str | None = None
