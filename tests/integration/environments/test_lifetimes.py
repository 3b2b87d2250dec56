"""How long an environment lives: chosen at the start, extended by its department, kept only by platform staff."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import connections
from django.utils import timezone
from pydantic import SecretStr
from tests.factories import Organisation, make_organisation

from stackyard.cli.doctor.findings import look
from stackyard.cli.doctor.server import _expiry
from stackyard.cmdb.models import Environment, Notice, Run
from stackyard.environments import drift, listing
from stackyard.environments.create import create
from stackyard.environments.lifetimes import extend, keep
from stackyard.environments.requests import CreateRequest
from stackyard.errors import Conflict, Forbidden, Invalid
from stackyard.runs import mail, schedule
from stackyard.settings import Settings

DAY = dt.timedelta(days=1)


@pytest.fixture
def org(db: None) -> Organisation:
    return make_organisation()


def asked(org: Organisation, expires: Any = None, name: str = "dev", user: Any = None) -> Environment:
    request = CreateRequest("shop", "ecs-service", name, expires=expires)
    return create(user or org.requester, request, via="api").environment


def standing(org: Organisation, *, days: float = 30, name: str = "dev") -> Environment:
    """As if it had been built long ago; it expires so many days from now."""
    environment = asked(org, name=name)
    now = timezone.now()
    environment.runs.update(status="succeeded")
    Environment.objects.filter(pk=environment.pk).update(
        status="ready",
        created_at=now - 60 * DAY,
        ready_at=now - 60 * DAY,
        expires_at=now + days * DAY,
        resources=[{"address": "a.b"}],
        drift_checked_at=now,
    )
    return Environment.objects.get(pk=environment.pk)


def days_left(environment: Environment) -> float:
    assert environment.expires_at is not None
    return (environment.expires_at - timezone.now()) / DAY


def problem(error: Invalid) -> tuple[str, str]:
    (one,) = error.problems
    return one.field, one.message


def test_a_new_one_lives_as_long_as_is_usual_in_its_sandbox(org: Organisation) -> None:
    assert days_left(asked(org)) == pytest.approx(30, abs=0.01)
    assert days_left(asked(org, 14, "two")) == pytest.approx(14, abs=0.01)
    assert days_left(asked(org, "14", "three")) == pytest.approx(14, abs=0.01)
    day = (timezone.now() + 20 * DAY).date()
    chosen = asked(org, day.isoformat(), "four").expires_at
    assert chosen is not None
    assert chosen.date() == day
    assert asked(org, "never", "five", org.platform).expires_at is None
    assert days_left(asked(org, 200, "six", org.platform)) == pytest.approx(200, abs=0.01)


@pytest.mark.parametrize(
    ("expires", "why"),
    [
        (0, "1 to 3650"),
        (-3, "1 to 3650"),
        ("999999999999", "1 to 3650"),
        (91, "at most 90 days"),
        ("2001-01-01", "is past"),
        ("9999-12-31", "at most 90 days"),
        ("2027-02-30", "neither"),
        ("soon", "neither"),
        ("\u0664", "neither"),
        ("never", "Only platform staff"),
    ],
)
def test_what_cannot_be_is_refused_at_the_field_and_nothing_is_made(org: Organisation, expires: Any, why: str) -> None:
    with pytest.raises(Invalid) as refused:
        asked(org, expires)
    assert problem(refused.value)[0] == "expires"
    assert why in problem(refused.value)[1]
    assert not Environment.objects.exists()


def test_it_is_told_together_with_everything_else_that_is_wrong(org: Organisation) -> None:
    with pytest.raises(Invalid) as refused:
        create(org.requester, CreateRequest("shop", "none", "No", expires="soon"), via="api")
    assert {p.field for p in refused.value.problems} == {"name", "pattern", "expires"}


def test_extended_it_lives_so_many_days_more_but_not_beyond_the_limit(org: Organisation) -> None:
    env = extend(org.requester, standing(org, days=5), days=7)
    assert days_left(env) == pytest.approx(12, abs=0.01)
    with pytest.raises(Invalid, match="at most 90 days from now") as refused:
        extend(org.requester, env, days=80)
    assert problem(refused.value)[0] == "days"
    assert days_left(extend(org.platform, env, days=200)) == pytest.approx(212, abs=0.01)
    day = (timezone.now() + 90 * DAY).date()
    assert (extend(org.requester, env, until=day).expires_at or timezone.now()).date() == day
    for wrong in ("never", "7", "", day + DAY):
        with pytest.raises(Invalid) as refused:
            extend(org.requester, env, until=wrong)
        assert problem(refused.value)[0] == "until"
    assert env.history.first().history_user is None


def test_who_may_not_act_on_it_may_not_extend_it(org: Organisation) -> None:
    env = standing(org)
    for somebody in (org.viewer, org.stranger):
        with pytest.raises(Forbidden):
            extend(somebody, env, days=1)
        with pytest.raises(Forbidden):
            keep(somebody, env)
    with pytest.raises(Forbidden, match="for ever"):
        keep(org.requester, env)
    assert keep(org.platform, env).expires_at is None
    assert days_left(extend(org.requester, keep(org.platform, env), days=3)) == pytest.approx(3, abs=0.01)


def test_the_list_knows_what_expires_soon(org: Organisation) -> None:
    standing(org, days=30, name="late")
    standing(org, days=6, name="soon")
    standing(org, days=-1, name="over")
    found = listing.search(org.requester, expiring=True)
    assert [e.name for e in found] == ["over", "soon"]


# What happens by itself.

GRACE = Settings(expiry_grace_hours=24, destroy_tries=3, destroy_pause_minutes=10, drift_hours=0)


def tick(settings: Settings = GRACE) -> list[str]:
    """What is told, by environment and kind."""
    before = set(Notice.objects.values_list("pk", flat=True))
    schedule.tick(settings)
    return [f"{n.environment.name} {n.kind}" for n in Notice.objects.exclude(pk__in=before).order_by("pk")]


def open_notices() -> list[str]:
    return [n.message for n in Notice.objects.filter(settled_at=None)]


def left(env: Environment, days: float) -> None:
    Environment.objects.filter(pk=env.pk).update(expires_at=timezone.now() + days * DAY)


def test_reminders_come_once_each_and_the_last_stands_for_those_before(org: Organisation) -> None:
    env = standing(org, days=8)
    assert tick() == []
    expiry = timezone.now() + 6.9 * DAY
    Environment.objects.filter(pk=env.pk).update(expires_at=expiry)
    assert tick() == ["dev expiry"]
    assert tick() == []
    assert "shop-dev expires in 7 days" in open_notices()[0]
    left(env, 0.9)
    assert tick() == ["dev expiry"], "three days before is not told any more"
    (only,) = open_notices()
    assert "expires in 1 day," in only
    extend(org.requester, env, days=30)
    assert open_notices() == []
    assert tick() == []


def test_a_short_life_begins_without_a_reminder(org: Organisation) -> None:
    env = asked(org, 2)
    assert tick() == []
    left(env, 0.5)
    Environment.objects.filter(pk=env.pk).update(created_at=timezone.now() - 1.5 * DAY)
    assert tick() == ["dev expiry"]


def test_after_the_grace_it_is_destroyed_in_the_owners_name(org: Organisation) -> None:
    env = standing(org, days=-0.5)
    assert tick() == ["dev expired"]
    assert "has expired and will be destroyed at" in open_notices()[0]
    assert not env.runs.filter(kind="destroy").exists()
    left(env, -1.1)
    tick()
    run = env.runs.get(kind="destroy")
    assert (run.status, run.via, run.priority, run.requested_by) == ("queued", "schedule", 10, org.requester)
    assert tick() == []
    assert env.runs.filter(kind="destroy").count() == 1


def test_extended_in_the_grace_or_before_a_worker_came_it_stays(org: Organisation) -> None:
    env = standing(org, days=-0.5)
    tick()
    extend(org.requester, env, days=2)
    assert open_notices() == []
    left(env, -1.5)
    tick()
    assert Environment.objects.get().status == "destroying"
    env = extend(org.requester, Environment.objects.get(), days=2)
    assert (env.status, env.runs.get(kind="destroy").status) == ("ready", "cancelled")
    assert days_left(env) == pytest.approx(2, abs=0.01), "counted from now, not from long ago"
    env.runs.filter(status="cancelled").delete()
    left(env, -1.5)
    tick()
    env.runs.filter(status="queued").update(status="running")
    with pytest.raises(Conflict, match="being destroyed"):
        extend(org.requester, env, days=2)


def end(run: Run, status: str, minutes_ago: float) -> None:
    at = timezone.now() - dt.timedelta(minutes=minutes_ago)
    Run.objects.filter(pk=run.pk).update(status=status, finished_at=at, error="AWS said no.")
    Environment.objects.filter(pk=run.environment_id).update(status="attention")


def test_a_destroy_that_fails_is_tried_again_after_growing_pauses_and_then_told(org: Organisation) -> None:
    env = standing(org, days=-2)
    destroys = env.runs.filter(kind="destroy").order_by("id")
    tick()
    for pause, number in ((10, 1), (40, 2)):
        end(destroys.last(), "attention", pause - 1)
        tick()
        assert destroys.count() == number, "it is too early"
        end(destroys.last(), "attention", pause + 1)
        tick()
        assert destroys.count() == number + 1
    end(destroys.last(), "failed", 1)
    assert tick() == ["dev destroy_failed"]
    assert tick() == []
    end(destroys.last(), "failed", 10_000)
    assert (tick(), destroys.count()) == ([], 3)
    notice = Notice.objects.get(kind="destroy_failed", settled_at=None)
    assert notice.for_platform
    assert "AWS said no." in notice.message
    with pytest.raises(Conflict, match="does not stand as a whole"):
        extend(org.requester, Environment.objects.get(), days=1)
    Environment.objects.update(status="destroyed")
    tick()
    assert open_notices() == []


def test_what_has_a_run_what_is_kept_and_baselines_are_left_alone(org: Organisation) -> None:
    busy, kept, baseline = (standing(org, days=-2, name=n) for n in ("busy", "kept", "base"))
    busy.runs.update(status="waiting")
    keep(org.platform, kept)
    Environment.objects.filter(pk=baseline.pk).update(product=None)
    tick()
    assert not Run.objects.filter(kind="destroy").exists()
    with pytest.raises(Conflict, match="does not expire"):
        extend(org.platform, Environment.objects.get(pk=baseline.pk), days=1)


def test_one_that_is_in_the_way_of_itself_is_not_in_the_way_of_others(
    org: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = (standing(org, days=-d, name=n) for d, n in ((3, "bad"), (2, "good")))
    real = schedule.enqueue

    def enqueue(environment: Environment, *args: Any, **more: Any) -> Run:
        if environment.pk == bad.pk:
            raise RuntimeError("odd")
        return real(environment, *args, **more)

    monkeypatch.setattr(schedule, "enqueue", enqueue)
    tick()
    assert [r.environment for r in Run.objects.filter(kind="destroy")] == [good]


def test_drift_is_looked_for_a_few_at_a_time_and_not_too_often(org: Organisation) -> None:
    settings = Settings(drift_hours=24, drift_at_once=2)
    names = ("one", "two", "three", "fresh", "busy")
    envs = {n: standing(org, name=n) for n in names}
    now = timezone.now()
    for hours, name in ((70, "one"), (60, "two"), (50, "three"), (2, "fresh"), (90, "busy")):
        Environment.objects.filter(name=name).update(drift_checked_at=now - dt.timedelta(hours=hours))
    envs["busy"].runs.update(status="queued")

    def looked() -> list[str]:
        return [r.environment.name for r in Run.objects.filter(kind="drift").order_by("id")]

    schedule.tick(Settings(drift_hours=0))
    assert looked() == []
    schedule.tick(settings)
    schedule.tick(settings)
    assert looked() == ["one", "two"], "those first that nobody looked at for longest"
    assert {r.priority for r in Run.objects.filter(kind="drift")} == {20}
    assert {e.status for e in Environment.objects.exclude(name="busy")} == {"ready"}
    Run.objects.filter(kind="drift").update(status="failed")
    schedule.tick(settings)
    schedule.tick(settings)
    assert looked() == ["one", "two", "three"], "one that failed is not tried all the time"


def test_a_look_that_has_not_begun_gives_way_to_whatever_else_is_asked_for(org: Organisation) -> None:
    settings = Settings(drift_hours=24, expiry_grace_hours=0)
    env = standing(org)
    Environment.objects.update(drift_checked_at=None)

    def statuses() -> list[tuple[str, str]]:
        return [(r.kind, r.status) for r in env.runs.filter(kind__in=("drift", "destroy")).order_by("id")]

    schedule.tick(settings)
    assert statuses() == [("drift", "queued")]
    drift.look(org.requester, env, via="api")
    assert statuses() == [("drift", "cancelled"), ("drift", "queued")]
    with pytest.raises(Conflict, match="Another run"):
        drift.look(org.requester, env, via="api")
    env.runs.filter(kind="drift").delete()

    schedule.tick(settings)
    left(env, -1)
    schedule.tick(settings)
    assert statuses() == [("drift", "cancelled"), ("destroy", "queued")]


def test_a_letter_goes_to_the_owner_or_to_platform_staff_and_never_stops_anything(
    org: Organisation, mailoutbox: list[EmailMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    posting = Settings(email_url=SecretStr("smtp://127.0.0.1:1"), drift_hours=0, destroy_tries=1)
    env = standing(org, days=0.5)
    letters = schedule.tick(posting)
    mail.send(letters, Settings())
    assert mailoutbox == [], "without a mail server nothing is sent"
    mail.send(letters, posting)
    (first,) = mailoutbox
    assert (first.to, first.subject) == (["rika@example.com"], "shop-dev: expires soon")
    assert "shop-dev expires in 1 day" in first.body

    left(env, -2)
    mail.send(schedule.tick(posting), posting)
    end(env.runs.get(kind="destroy"), "attention", 1)
    mail.send(schedule.tick(posting), posting)
    assert [(m.to, m.subject) for m in mailoutbox[1:]] == [
        (["rika@example.com"], "shop-dev: expired"),
        (["pat@example.com"], "shop-dev: could not be destroyed"),
    ]

    def refuse(*arguments: Any, **more: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(mail, "send_mail", refuse)
    mail.send(letters, posting)


def test_workers_that_ask_at_the_same_moment_do_it_once(transactional_db: None) -> None:
    env = standing(make_organisation(), days=-2)
    barrier = threading.Barrier(8)

    def ask(_: int) -> None:
        barrier.wait()
        try:
            schedule.tick(GRACE)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))
    assert env.runs.filter(kind="destroy").count() == 1
    assert Notice.objects.filter(kind="expired").count() == 1


def test_the_doctor_tells_what_could_not_be_destroyed(org: Organisation) -> None:
    assert look("expiry", _expiry).ok
    Notice.objects.create(environment=standing(org), kind="destroy_failed", for_platform=True, message="No.")
    found = look("expiry", _expiry)
    assert (found.ok, found.found) == (False, "expired, and could not be destroyed: shop-dev")
