"""`/api/environments/{environment}/...`: changing what stands."""

from django.http import HttpRequest
from ninja import Router, Status

from stackyard.api import convert
from stackyard.api.answers import answers
from stackyard.api.auth import person
from stackyard.api.environments import IDEMPOTENCY_KEY, accepted, find_environment
from stackyard.api.shapes import Accepted, ChangeIn, EditIn, PreviewOut, ProblemOut, SettingsOut
from stackyard.environments import change as changes
from stackyard.environments.change import ChangeRequest
from stackyard.environments.idempotency import once

router = Router(tags=["changes"])


@router.get("/{environment}/settings", response=answers(200, SettingsOut), summary="Show what can be changed")
def show_settings(request: HttpRequest, environment: str) -> SettingsOut:
    """The parameters of the pattern version that built it, and their values in the recorded code, edits by hand
    included. A parameter that is written as an expression there has no value."""
    row = find_environment(request, environment)
    parameters = [p for p in changes.parameters(row) if not p.hidden]
    return SettingsOut(
        parameters=[convert.parameter_out(p) for p in parameters],
        values=convert.without_secrets(row, changes.current_settings(row), {p.path for p in parameters}),
    )


@router.post("/{environment}/preview", response=answers(200, PreviewOut), summary="Preview a change")
def preview_change(request: HttpRequest, environment: str, wish: EditIn) -> PreviewOut:
    """What would become of the recorded interface file. Nothing is started; what is wrong is in `problems`."""
    found = changes.preview(person(request), find_environment(request, environment), _asked(wish))
    return PreviewOut(
        diff=list(found.diff),
        touched=found.touched,
        problems=[ProblemOut(field=p.field, message=p.message) for p in found.problems],
    )


@router.post("/{environment}/change", response=answers(202, Accepted), summary="Change an environment")
def change_environment(
    request: HttpRequest, environment: str, wish: ChangeIn, idempotency_key: str = IDEMPOTENCY_KEY
) -> Status[Accepted]:
    """Starts from the newest recorded code. A plan that takes something away waits for approval; 422 lists every
    problem by field."""
    user, row = person(request), find_environment(request, environment)
    body = ["change", row.uid, wish.model_dump()]
    return accepted(once(user, idempotency_key, body, lambda: changes.change(user, row, _asked(wish), via="api")))


@router.post("/{environment}/retry", response=answers(202, Accepted), summary="Apply the recorded code")
def retry_change(request: HttpRequest, environment: str) -> Status[Accepted]:
    """Plans and applies what is newest in the record: after a failed change, or an edit by hand."""
    return accepted(changes.retry(person(request), find_environment(request, environment), via="api"))


@router.post("/{environment}/back", response=answers(202, Accepted), summary="Go back to the last good code")
def back(request: HttpRequest, environment: str) -> Status[Accepted]:
    """A change that goes back to the code of the last run that succeeded."""
    return accepted(changes.back_to_last_good(person(request), find_environment(request, environment), via="api"))


def _asked(wish: EditIn) -> ChangeRequest:
    return ChangeRequest(
        set=wish.set,
        unset=tuple(wish.unset),
        plan_only=isinstance(wish, ChangeIn) and wish.plan_only,
        confirm=isinstance(wish, ChangeIn) and wish.confirm,
    )
