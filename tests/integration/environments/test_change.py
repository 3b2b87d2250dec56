"""A change starts from the environment's own recorded file, and is checked whole before anything runs."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.factories import Organisation, make_organisation

from stackyard.cmdb.models import Environment, PatternVersion, Run, RunStatus
from stackyard.environments.change import (
    ChangeRequest,
    back_to_last_good,
    change,
    current_settings,
    preview,
    recorded_interface,
    retry,
)
from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest
from stackyard.errors import Conflict, Forbidden, Invalid, Unusable
from stackyard.patterns.catalogue import Catalogue
from stackyard.patterns.workspace import render_workspace
from stackyard.record.repository import Passport, Record
from stackyard.runs.filling import filling_of
from stackyard.runs.lease import claim, finish
from stackyard.settings import get_settings


@pytest.fixture
def org(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Organisation:
    monkeypatch.setattr(get_settings(), "data", tmp_path)
    return make_organisation()


@pytest.fixture
def env(org: Organisation, tmp_path: Path) -> Environment:
    """Stands, with its code in the record."""
    settings = {"container.cpu": 512, "container.memory": 1024, "container.environment": {"A": "1"}}
    run = create(org.requester, CreateRequest("shop", "ecs-service", "dev", settings=settings), via="api")
    found = run.environment
    render_workspace(
        Catalogue.from_settings().get("ecs-service"), filling_of(found, get_settings()), settings, tmp_path / "code"
    )
    words = dict.fromkeys(Passport.__dataclass_fields__, "x") | {"settings": settings, "run": run.pk}
    words |= {"allocations": ()}
    record = Record.from_settings(get_settings())
    commit = record.commit(Path(found.record_folder), tmp_path / "code", Passport(**words), "create")  # type: ignore[arg-type]
    lease = claim(run.pk, "one", 20)
    assert lease is not None
    finish(lease, RunStatus.SUCCEEDED, commit=commit)
    Environment.objects.update(commit=commit, resources=[{"address": "a.b", "type": "a"}])
    return Environment.objects.get()


def by_hand(env: Environment, old: str, new: str) -> None:
    root = get_settings().data / "record"
    file = root / env.record_folder / "locals.tf"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    who = ["-c", "user.name=Hand", "-c", "user.email=hand@example.com"]
    subprocess.run(["git", *who, "commit", "-qam", "By hand"], cwd=root, check=True)


def ask(org: Organisation, env: Environment, *unset: str, **wish: Any) -> Run:
    return change(org.requester, env, ChangeRequest(unset=unset, **wish), via="api")


def test_the_form_is_filled_from_the_record(env: Environment) -> None:
    now = current_settings(env)
    assert (now["container.cpu"], now["container.environment"], now["scaling.min"]) == (512, {"A": "1"}, 1)
    assert "name" not in now, "what Stackyard fills is no setting"
    by_hand(env, "min = 1", "min = 2 # for the fair")
    assert current_settings(env)["scaling.min"] == 2


def test_only_what_is_asked_for_and_what_stackyard_fills_is_touched(org: Organisation, env: Environment) -> None:
    by_hand(env, "min = 1", "min = 2 # for the fair")
    wish = ChangeRequest(
        set={"container.environment.B": 'say "hi" ${x}'}, unset=("container.cpu", "container.environment.A")
    )
    seen = preview(org.requester, env, wish)
    changed = [line[1:].strip() for line in seen.diff[2:] if line[0] in "+-"]
    assert changed == ["exists = false", "exists = true", *changed[2:]]
    assert any(line.split() == ["cpu", "=", "256"] for line in changed)
    assert 'B = "say \\"hi\\" $${x}"' in seen.after
    assert "min = 2 # for the fair" in seen.after
    assert seen.problems == ()
    assert seen.before.encode() == recorded_interface(env), "to look changes nothing"


def test_an_expression_written_by_hand_survives_and_is_not_shown(org: Organisation, env: Environment) -> None:
    by_hand(env, "retention_days = 14", "retention_days = 7 * 2")
    assert "logs.retention_days" not in current_settings(env)
    assert "retention_days = 7 * 2" in preview(org.requester, env, ChangeRequest(set={"scaling.max": 3})).after


def test_a_good_wish_is_a_queued_run(org: Organisation, env: Environment) -> None:
    run = ask(org, env, set={"container.cpu": 1024, "container.memory": 2048})
    assert [s.name for s in run.stages.all()] == [
        *("fetch", "edit", "init", "plan", "check", "approve", "record", "apply", "verify", "register")
    ]
    assert run.request["set"] == {"container.cpu": 1024, "container.memory": 2048}
    assert Environment.objects.get().status == "changing"
    with pytest.raises(Conflict, match="going on"):
        ask(org, env, set={"container.cpu": 256})


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"set": {"container.cpu": 300}}, "settings.container.cpu"),
        ({"set": {"container.cpu": True}}, "settings.container.cpu"),
        ({"set": {"container.port": 10**400}}, "settings.container.port"),
        ({"set": {"container.environment": {"A": {"deep": 1}}}}, "settings.container.environment"),
        ({"set": {"container.environment.A": "\0"}}, "settings.container.environment.A"),
        ({"set": {"container.nothing": 1}}, "settings.container.nothing"),
        ({"set": {"container.cpu.deep": 1}}, "settings.container.cpu.deep"),
        ({"set": {"container": {}}}, "settings.container"),
        ({"set": {"": 1}}, "settings."),
        ({"set": {"name": "stolen"}}, "settings.name"),
        ({"set": {"exists": False}}, "settings.exists"),
        ({"set": {"sandbox.vpc_id": "vpc-9"}}, "settings.sandbox.vpc_id"),
        ({"set": {"tags.owner": "me"}}, "settings.tags.owner"),
        ({"unset": ("fqdn",)}, "settings.fqdn"),
        ({"unset": ("nothing",)}, "settings.nothing"),
        ({"set": {'container"}\nresource': 1}}, None),
        ({"set": {"\ud800": 1}}, None),
    ],
)
def test_bad_input_is_refused_with_its_field(
    org: Organisation, env: Environment, wish: dict[str, Any], field: str | None
) -> None:
    seen = preview(org.requester, env, ChangeRequest(**wish))
    with pytest.raises(Invalid) as refused:
        change(org.requester, env, ChangeRequest(**wish), via="api")
    assert refused.value.problems == seen.problems
    assert field is None or [p.field for p in seen.problems] == [field]
    assert not Run.objects.filter(kind="change").exists()


def test_every_problem_is_told_at_once(org: Organisation, env: Environment) -> None:
    with pytest.raises(Invalid) as refused:
        ask(org, env, "nothing", set={"container.cpu": 1, "scaling.max": 99})
    assert len(refused.value.problems) == 3


def test_a_change_of_nothing_is_refused_but_what_is_not_applied_yet_can_be(org: Organisation, env: Environment) -> None:
    for nothing in ({}, {"set": {"container.cpu": 512}}, {"unset": ("scaling.min", "container.environment.ZZ")}):
        with pytest.raises(Invalid, match="changes nothing"):
            change(org.requester, env, ChangeRequest(**nothing), via="api")  # type: ignore[arg-type]
    with pytest.raises(Conflict, match="already"):
        back_to_last_good(org.requester, env, via="api")
    with pytest.raises(Conflict, match="nothing to retry"):
        retry(org.requester, env, via="api")
    by_hand(env, "min = 1", "min = 2")
    assert retry(org.requester, env, via="api").request["set"] == {}


def test_back_goes_to_the_commit_of_the_last_good_run(org: Organisation, env: Environment) -> None:
    good = env.commit
    by_hand(env, "min = 1", "min = 2")
    assert back_to_last_good(org.requester, env, via="api").request["commit"] == good


@pytest.mark.parametrize("who", ["viewer", "stranger"])
def test_only_those_who_may_ask(org: Organisation, env: Environment, who: str) -> None:
    wish = ChangeRequest(set={"scaling.max": 3})
    for act in (
        lambda: preview(getattr(org, who), env, wish),
        lambda: change(getattr(org, who), env, wish, via="api"),
        lambda: retry(getattr(org, who), env, via="api"),
        lambda: back_to_last_good(getattr(org, who), env, via="api"),
    ):
        with pytest.raises(Forbidden):
            act()


def test_what_does_not_stand_is_not_changed(org: Organisation, env: Environment) -> None:
    Environment.objects.update(status="destroyed")
    env.refresh_from_db()
    with pytest.raises(Conflict, match="is gone"):
        ask(org, env, set={"scaling.max": 3})
    Environment.objects.update(status="attention", resources=[])
    env.refresh_from_db()
    with pytest.raises(Conflict, match="as a whole"):
        ask(org, env, set={"scaling.max": 3})


def test_defaults_are_those_of_the_version_that_built_it(
    org: Organisation, env: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(get_settings(), "patterns", tmp_path)
    after = preview(org.requester, env, ChangeRequest(unset=("container.cpu",))).after
    assert "cpu = 256" in after, "the catalogue has no such pattern any more"
    PatternVersion.objects.update(interface={})
    env = Environment.objects.select_related("pattern").get()
    with pytest.raises(Unusable, match="not known any more"):
        current_settings(env)


def test_a_record_that_is_no_hcl_any_more_says_so(org: Organisation, env: Environment) -> None:
    by_hand(env, "locals {", "locals {{")
    with pytest.raises(Unusable, match="not HCL"):
        current_settings(env)
