"""From Terraform's diagnostics to one readable line and what to do next."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from stackyard.errors import StackyardError
from stackyard.terraform.events import Diagnostic

Recovery = Literal["retry", "setting", "destroy", "hold"]


@dataclass(frozen=True)
class Known:
    """A diagnostic that we know: how it reads, what it calls for, and what a person can do."""

    pattern: str
    recovery: Recovery
    hint: str


KNOWN: tuple[Known, ...] = (
    Known(r"Throttling|Rate exceeded|TooManyRequests|RequestLimitExceeded", "retry", "AWS is busy; try again later."),
    Known(
        r"AccessDenied|UnauthorizedOperation|not authorized to perform",
        "hold",
        "The sandbox's role lacks a permission; platform staff can add it.",
    ),
    Known(
        r"ExpiredToken|InvalidClientTokenId|no valid credential|NoCredentialProviders",
        "hold",
        "Stackyard could not sign in to the account; platform staff must check the sandbox's role.",
    ),
    Known(
        r"AlreadyExists|already exists|EntityAlreadyExists|DuplicateListener|PriorityInUse",
        "destroy",
        "Something with this name is in the account already, made outside of Stackyard. Remove it or choose another "
        "name.",
    ),
    Known(
        r"LimitExceeded|QuotaExceeded|TooMany\w+|limit (has been|was) (reached|exceeded)",
        "destroy",
        "The account is at a quota; destroy what is no longer needed, or ask platform staff to raise it.",
    ),
    Known(
        r"InsufficientCapacity|Capacity is unavailable",
        "retry",
        "AWS has no capacity free at the moment; try again later.",
    ),
    Known(
        r"Error acquiring the state lock|state lock",
        "hold",
        "Another Terraform works on this state, or one was killed; platform staff can release the lock.",
    ),
    Known(
        r"timeout while waiting|context deadline exceeded|connection reset|connection refused|no such host",
        "retry",
        "AWS did not answer in time; try again.",
    ),
    Known(
        r"Resource precondition failed|Invalid value for variable|validation rule|InvalidParameter|ValidationException"
        r"|ValidationError",
        "setting",
        "Correct the setting that the message names and try again.",
    ),
    Known(
        r"Failed to (query available provider|install provider)|Could not retrieve the list of available versions",
        "retry",
        "The provider registry did not answer, or does not have this version.",
    ),
)


class TerraformFailed(StackyardError):
    """A Terraform command failed. `diagnostics` are its errors; `recovery` what the first known one calls for."""

    def __init__(self, command: str, diagnostics: Sequence[Diagnostic], status: int) -> None:
        self.command = command
        self.diagnostics = tuple(diagnostics)
        self.status = status
        self.known = next((k for d in self.diagnostics for k in KNOWN if re.search(k.pattern, d.text)), None)
        super().__init__(_in_words(command, self.diagnostics, status), hint=self.known.hint if self.known else "")

    @property
    def recovery(self) -> Recovery:
        """What to do about it; what nobody foresaw is held for a person on a living environment."""
        return self.known.recovery if self.known else "destroy"


def _in_words(command: str, diagnostics: Sequence[Diagnostic], status: int) -> str:
    if not diagnostics:
        return f"terraform {command} ended with status {status} and told no reason."
    first, *others = diagnostics
    where = f" ({first.address})" if first.address else ""
    more = f" And {len(others)} more." if others else ""
    return f"terraform {command} failed{where}: {first.text[:600]}{more}"
