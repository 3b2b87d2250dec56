"""From Terraform's diagnostics to one readable line and what to do next."""

from collections.abc import Sequence

from stackyard.errors import StackyardError
from stackyard.terraform.events import Diagnostic
from stackyard.terraform.known import KNOWN, Known, Recovery, known

__all__ = ["KNOWN", "Known", "Recovery", "TerraformFailed"]

_PREAMBLE = "encountered problems during initiali"
"""`init` puts this diagnostic before those that say what is wrong."""


class TerraformFailed(StackyardError):
    """A Terraform command failed. `diagnostics` are its errors, `diagnostic` the one that tells most, and `recovery`
    what it calls for."""

    def __init__(self, command: str, diagnostics: Sequence[Diagnostic], status: int) -> None:
        self.command = command
        self.diagnostics = tuple(diagnostics)
        self.status = status
        telling = [d for d in self.diagnostics if _PREAMBLE not in d.summary] or list(self.diagnostics)
        found = known(telling)
        self.known = found[1] if found else None
        self.diagnostic = found[0] if found else next(iter(telling), None)
        if found:
            telling.sort(key=lambda d: d is not found[0])
        super().__init__(_in_words(command, telling, status), hint=self.known.hint if self.known else "")

    @property
    def recovery(self) -> Recovery:
        """What to do about it. What nobody foresaw calls for taking back what was built; a Terraform that somebody
        killed, or the kernel for want of memory, can be started again."""
        if self.known:
            return self.known.recovery
        return "retry" if self.status < 0 else "destroy"


def _in_words(command: str, diagnostics: Sequence[Diagnostic], status: int) -> str:
    if not diagnostics:
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        return f"terraform {command} {how} and told no reason."
    first, *others = diagnostics
    place = first.address or (f"{first.file}:{first.line}" if first.file else "")
    where = f" ({place})" if place else ""
    more = f" And {len(others)} more." if others else ""
    return f"terraform {command} failed{where}: {first.text[:600]}{more}"
