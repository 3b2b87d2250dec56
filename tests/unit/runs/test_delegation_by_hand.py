"""A zone that somebody else delegates: the baseline is completed once that is done, and says what is missing before."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from stackyard.aws.checks.finding import Verdict
from stackyard.errors import Unusable
from stackyard.patterns.workspace import Filling
from stackyard.runs import baseline

NOT_YET = Verdict(False, "The parent of new.example.com names none.", "In the parent zone, make the record.")


def filling(delegated: bool) -> Filling:
    return Filling({}, {"delegated": delegated}, {}, "eu-central-1", "", "", "", False, "pg")


def awaited(
    monkeypatch: pytest.MonkeyPatch, verdict: Verdict | None, *, before: bool = False, emulated: bool = False
) -> Any:
    def look(*_: Any) -> Verdict:
        assert verdict is not None, "DNS is asked in vain"
        return verdict

    monkeypatch.setattr(baseline, "delegated", look)
    ctx = SimpleNamespace(
        environment=SimpleNamespace(is_baseline=True),
        sandbox=SimpleNamespace(zone_name="new.example.com", emulated=emulated),
        access=None,
        log=SimpleNamespace(write=lambda _: None),
    )
    return asyncio.run(baseline.await_delegation(ctx, filling(before))).sandbox["delegated"]  # type: ignore[arg-type]


def test_it_goes_on_once_the_parent_names_the_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert awaited(monkeypatch, Verdict(True, "It does.")) is True


def test_before_that_the_record_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unusable) as error:
        awaited(monkeypatch, NOT_YET)
    assert error.value.message == NOT_YET.found
    assert error.value.hint == f"{NOT_YET.fix} Then apply the baseline again."


def test_where_dns_does_not_tell_nothing_is_taken_for_granted(monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = Verdict(None, "DNS did not answer.")
    with pytest.raises(Unusable):
        awaited(monkeypatch, unknown)
    assert awaited(monkeypatch, unknown, emulated=True) is True


def test_what_is_known_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert awaited(monkeypatch, None, before=True) is True
