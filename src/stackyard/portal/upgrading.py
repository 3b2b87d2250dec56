"""An upgrade as a page shows it: what has to be decided, the settings that are new, and what becomes of the code."""

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.http import QueryDict

from stackyard.cmdb.models import Environment
from stackyard.environments.upgrade import UpgradePreview, UpgradeRequest, preview
from stackyard.errors import Problem
from stackyard.patterns.merging import Conflict
from stackyard.patterns.parameters import Parameter, same
from stackyard.portal.diff import Diff, diff_of
from stackyard.portal.forms.settings import SettingsForm, parse_settings, settings_form
from stackyard.portal.recorded import by_field
from stackyard.runs.interface import Interface
from stackyard.settings import get_settings

TAKE = "take."


@dataclass(frozen=True)
class Choice:
    """A conflict as a field. `chosen`: `mine`, `new` or nothing yet; `title`: of the setting, where it is one."""

    number: int
    conflict: Conflict
    title: str
    chosen: str
    error: str
    diff: Diff | None

    @property
    def name(self) -> str:
        """Name of the input, and the field in a Problem."""
        return TAKE + self.conflict.path

    @property
    def id(self) -> str:
        """Its id on the page."""
        return f"take-{self.number}"


@dataclass(frozen=True)
class Upgrade:
    """All that the page shows. `elsewhere`: problems that belong to no field of it; `kept` and `kept_files`: paths of
    values, and names of files, which stay as they are here."""

    seen: UpgradePreview
    choices: tuple[Choice, ...]
    settings: SettingsForm
    diff: Diff
    kept: tuple[str, ...]
    kept_files: tuple[str, ...]
    elsewhere: tuple[Problem, ...]

    @property
    def open_choices(self) -> int:
        """How many conflicts nobody has decided yet."""
        return len(self.seen.undecided)


def look(
    user: User, environment: Environment, posted: QueryDict, *, refused: tuple[Problem, ...] | None = None
) -> tuple[Upgrade, UpgradeRequest, list[Problem]]:
    """The page for what was posted, what that asks for, and what of it is no value at all. `refused`: why it was
    refused; None: nobody has sent it yet, so that what is not decided is no error.

    Raises as `environments.upgrade.preview`.
    """
    blank = preview(user, environment, UpgradeRequest())
    fresh = _new_settings(blank)
    request, problems = _asked(fresh, posted)
    seen = preview(user, environment, request) if request.take or request.set else blank
    told = refused if refused is not None else (*problems, *seen.problems)
    errors, elsewhere = by_field(told, fresh)
    wrong = {p.field: p.message for p in elsewhere if p.field.startswith(TAKE)}
    rules = {p.path: p for p in seen.to.parameters}
    choices = tuple(
        Choice(
            number=number,
            conflict=conflict,
            title=rules[conflict.path].title if conflict.path in rules else "",
            chosen=request.take.get(conflict.path, ""),
            error=wrong.get(TAKE + conflict.path, "").removeprefix(conflict.reason).strip(),
            diff=diff_of(conflict.mine, conflict.new, conflict.path) if conflict.file else None,
        )
        for number, conflict in enumerate(seen.conflicts)
    )
    page = Upgrade(
        seen=seen,
        choices=choices,
        settings=settings_form(fresh, posted or None, errors),
        diff=diff_of(seen.before, seen.after, seen.file_name),
        kept=tuple(k.path for k in seen.kept if not k.file),
        kept_files=tuple(k.path for k in seen.kept if k.file),
        elsewhere=tuple(p for p in elsewhere if p.field not in {c.name for c in choices}),
    )
    return page, request, problems


def _new_settings(seen: UpgradePreview) -> tuple[Parameter, ...]:
    """The settings that the version which built the environment did not have."""
    before = {p.path for p in Interface.of(seen.built, get_settings()).parameters}
    return tuple(p for p in seen.to.parameters if p.path not in before)


def _asked(fresh: tuple[Parameter, ...], posted: QueryDict) -> tuple[UpgradeRequest, list[Problem]]:
    values, problems = parse_settings(fresh, posted) if posted else ({}, [])
    defaults = {p.path: p.default for p in fresh if not p.required}
    wanted = {path: v for path, v in values.items() if path not in defaults or not same(v, defaults[path])}
    take = {name.removeprefix(TAKE): str(posted[name]) for name in posted if name.startswith(TAKE) and posted[name]}
    request = UpgradeRequest(
        take=take,
        set=wanted,
        plan_only=posted.get("do") == "plan",
        confirm="confirm" in posted,
        digest=posted.get("digest", "")[:64],
    )
    return request, problems
