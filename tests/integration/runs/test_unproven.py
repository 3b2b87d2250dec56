"""What cannot be proven is told as such, and never passes for proven."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from tests.factories import make_organisation

from stackyard.aws.path_proof import DID_NOT_TELL, NOTHING, Hop
from stackyard.cmdb.models import Environment, Run
from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest
from stackyard.errors import Forbidden
from stackyard.runs import stages
from stackyard.runs.lease import claim
from stackyard.terraform.state import State


@pytest.fixture
def ctx(transactional_db: None) -> Any:
    run = create(make_organisation().requester, CreateRequest("shop", "ecs-service", "dev"), via="api")
    lines: list[tuple[str, str]] = []

    return SimpleNamespace(
        run=Run.objects.get(pk=run.pk),
        lease=claim(run.pk, "one", 60),
        environment=run.environment,
        access=None,
        facts=None,
        outputs={},
        skip=set(),
        lines=lines,
        state=State(),
        log=SimpleNamespace(write=lambda text, level="info": lines.append((level, text))),
    )


def verify(ctx: Any, monkeypatch: pytest.MonkeyPatch, answer: list[Hop] | Exception) -> None:
    def prove_path(*_: object, **__: object) -> list[Hop]:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(stages, "prove_path", prove_path)
    asyncio.run(stages.verify(ctx))


def test_a_pattern_without_hops_is_not_proven_and_says_so(ctx: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    verify(ctx, monkeypatch, [NOTHING])
    assert ctx.skip == {"verify"}, "the stage is not shown as done"
    ((level, text),) = ctx.lines
    assert level == "warning"
    assert "nothing was proven" in text
    assert Environment.objects.get().hops[0]["ok"] is None


def test_what_aws_did_not_tell_may_hold_all_the_same(ctx: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Hop("zone", "Hosted zone", False, "", f"{DID_NOT_TELL}timeout", "", 0.0)
    with pytest.raises(stages.NotProven) as error:
        verify(ctx, monkeypatch, [broken])
    assert error.value.unanswered
    with pytest.raises(stages.NotProven) as error:
        verify(ctx, monkeypatch, [Hop("zone", "Hosted zone", False, "", "It is not there.", "Make it.", 0.0)])
    assert not error.value.unanswered


def test_an_account_that_cannot_be_entered_takes_nothing_back(ctx: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(stages.NotProven) as error:
        verify(ctx, monkeypatch, Forbidden("AWS refused the role."))
    assert error.value.unanswered
