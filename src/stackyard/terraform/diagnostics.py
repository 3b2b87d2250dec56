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
    Known(
        r"Throttl|Rate exceeded|TooManyRequests|RequestLimitExceeded|PriorRequestNotComplete",
        "retry",
        "AWS is busy; try again later.",
    ),
    Known(
        r"Expired\w*Token|RequestExpired|InvalidClientTokenId|UnrecognizedClient|AuthFailure|SignatureDoesNotMatch"
        r"|no valid credential|NoCredentialProviders|security token \w+ \w+ \w+ \w+ (invalid|expired)"
        r"|sts:AssumeRole|cannot be assumed|[Cc]annot assume",
        "hold",
        "Stackyard could not sign in to the account; platform staff must check the sandbox's role.",
    ),
    Known(
        r"AccessDenied|UnauthorizedOperation|UnauthorizedAccess|not authorized to perform|Forbidden",
        "hold",
        "The sandbox's role lacks a permission; platform staff can add it.",
    ),
    Known(
        r"AlreadyExists|[Aa]lready [Ee]xists|Duplicate(Listener|LoadBalancer|TargetGroup)|InvalidGroup\.Duplicate"
        r"|PriorityInUse|BucketAlreadyOwnedByYou|is already in use",
        "destroy",
        "Something with this name is in the account already, made outside of Stackyard. Remove it or choose another "
        "name.",
    ),
    Known(
        r"LimitExceeded|QuotaExceeded|TooMany\w+|(limit|quota) (has been |was |is )?(reached|exceeded)"
        r"|maximum number of",
        "destroy",
        "The account is at a quota; destroy what is no longer needed, or ask platform staff to raise it.",
    ),
    Known(
        r"Insufficient\w*Capacity|Capacity is unavailable",
        "retry",
        "AWS has no capacity free at the moment; try again later.",
    ),
    Known(
        r"Error acquiring the state lock|Error locking state|state lock",
        "hold",
        "Another Terraform works on this state, or one was killed; platform staff can release the lock.",
    ),
    Known(
        r"steady state|state to become '\w*(STABLE|ACTIVE|available|running|tfSTABLE)",
        "destroy",
        "It was made but did not become ready in time; the log of the application or of AWS tells why.",
    ),
    Known(
        r"timeout while waiting|context deadline exceeded|connection reset|connection refused|no such host|i/o timeout"
        r"|TLS handshake timeout|ServiceUnavailable|InternalFailure|InternalError|InternalServerError",
        "retry",
        "AWS did not answer in time; try again.",
    ),
    Known(
        r"Resource precondition failed|Resource postcondition failed|Invalid value for variable|validation rule"
        r"|InvalidParameter|ValidationException|ValidationError",
        "setting",
        "Correct the setting that the message names and try again.",
    ),
    Known(
        r"Failed to (query available provider|install provider)|Could not retrieve the list of available versions",
        "retry",
        "The provider registry did not answer, or does not have this version.",
    ),
)
"""Read from the top: the first that fits counts, so the narrower ones stand above the wider ones."""

_PREAMBLE = "encountered problems during initiali"
"""`init` puts this diagnostic before those that say what is wrong."""


class TerraformFailed(StackyardError):
    """A Terraform command failed. `diagnostics` are its errors; `recovery` what the first known one calls for."""

    def __init__(self, command: str, diagnostics: Sequence[Diagnostic], status: int) -> None:
        self.command = command
        self.diagnostics = tuple(diagnostics)
        self.status = status
        telling = [d for d in self.diagnostics if _PREAMBLE not in d.summary] or list(self.diagnostics)
        found = next(((d, k) for d in telling for k in KNOWN if re.search(k.pattern, d.text)), None)
        self.known = found[1] if found else None
        if found:
            telling.sort(key=lambda d: d is not found[0])
        super().__init__(_in_words(command, telling, status), hint=self.known.hint if self.known else "")

    @property
    def recovery(self) -> Recovery:
        """What to do about it. What nobody foresaw calls for taking back what was built."""
        return self.known.recovery if self.known else "destroy"


def _in_words(command: str, diagnostics: Sequence[Diagnostic], status: int) -> str:
    if not diagnostics:
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        return f"terraform {command} {how} and told no reason."
    first, *others = diagnostics
    place = first.address or (f"{first.file}:{first.line}" if first.file else "")
    where = f" ({place})" if place else ""
    more = f" And {len(others)} more." if others else ""
    return f"terraform {command} failed{where}: {first.text[:600]}{more}"
