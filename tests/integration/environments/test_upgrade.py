"""A newer version of a pattern: what was set and edited here goes on, what conflicts is decided by a person."""

from pathlib import Path
from typing import Any

import pytest
from tests.factories import Organisation, make_organisation
from tests.versions import built, by_hand, own_baseline, own_catalogue, publish, standing

from stackyard.cmdb.models import AddressPool, Environment, PatternVersion
from stackyard.environments.baselines import bootstrap
from stackyard.environments.impact import impact
from stackyard.environments.upgrade import UpgradePreview, UpgradeRequest, newer_version, preview, upgrade
from stackyard.errors import Conflict, Forbidden, Invalid, Unusable
from stackyard.patterns.catalogue import Catalogue
from stackyard.settings import get_settings

NEW_DEFAULT = ("retention_days = 14", "retention_days = 30")
CONFLICT = ("visibility_seconds = 60", "visibility_seconds = 90")
PARAMETER = ("  # How many tasks run.\n", "  # Trace requests.\n  tracing = false\n\n  # How many tasks run.\n")
VERSION_2 = {"locals.tf": (NEW_DEFAULT, CONFLICT, PARAMETER), "main.tf": (("resource", "# Version 2.\nresource"),)}
SET = {"queue.visibility_seconds": 300, "scaling.max": 3}


@pytest.fixture
def org(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Organisation:
    monkeypatch.setattr(get_settings(), "data", tmp_path / "data")
    return make_organisation()


@pytest.fixture
def folder(org: Organisation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return own_catalogue(tmp_path, monkeypatch)


@pytest.fixture
def env(org: Organisation, folder: Path) -> Environment:
    return standing(org, "dev", SET)


def look(org: Organisation, env: Environment, **wish: Any) -> UpgradePreview:
    return preview(org.requester, env, UpgradeRequest(**wish))


def ask(org: Organisation, env: Environment, **wish: Any) -> Any:
    return upgrade(org.requester, env, UpgradeRequest(**wish), via="api")


def test_without_a_newer_version_there_is_nothing_to_do(org: Organisation, env: Environment, folder: Path) -> None:
    assert newer_version(env) is None
    with pytest.raises(Conflict, match="already"):
        look(org, env)
    older = publish(folder, "0.9.0")
    assert older.version == "0.9.0"
    assert newer_version(env) is None
    with pytest.raises(Conflict, match=r"has only 0\.9\.0"):
        ask(org, env)


def test_what_was_set_and_edited_goes_on_in_the_new_version(org: Organisation, env: Environment, folder: Path) -> None:
    by_hand(env, "locals.tf", "max_attempts = 5", "max_attempts = 2 + 4 # tried out")
    by_hand(env, "outputs.tf", "output", "# Ours.\noutput")
    new = publish(folder, "2.0.0", VERSION_2)
    assert newer_version(env) == new
    seen = look(org, env)
    assert (seen.built.version, seen.to.version) == ("1.0.0", "2.0.0")
    assert {k.path for k in seen.kept} == {"scaling.max", "queue.max_attempts", "outputs.tf"}
    assert [(c.path, c.old, c.new, c.mine) for c in seen.conflicts] == [("queue.visibility_seconds", "60", "90", "300")]
    assert seen.undecided == seen.conflicts
    assert "max_attempts = 2 + 4" in seen.after
    assert "retention_days = 30" in seen.after
    assert "tracing = false" in seen.after
    assert (seen.added, seen.changed, seen.removed) == ((), ("main.tf",), ())
    assert seen.components == {"Queue": "changed", "Logs": "changed"}
    assert f'name = "{env.slug}"' in seen.after, "what Stackyard fills is filled"


def test_an_undecided_conflict_is_refused_at_its_path(org: Organisation, env: Environment, folder: Path) -> None:
    publish(folder, "2.0.0", VERSION_2)
    with pytest.raises(Invalid) as refused:
        ask(org, env)
    assert [p.field for p in refused.value.problems] == ["take.queue.visibility_seconds"]
    assert not env.runs.filter(kind="change").exists()
    run = ask(org, env, take={"queue.visibility_seconds": "mine"})
    assert run.request["take"] == {"queue.visibility_seconds": "mine"}
    assert run.request["upgrade"] == PatternVersion.objects.get(version="2.0.0").digest


@pytest.mark.parametrize(("side", "expected"), [("mine", "= 300"), ("new", "= 90")])
def test_what_was_decided_stands(side: str, expected: str, org: Organisation, env: Environment, folder: Path) -> None:
    publish(folder, "2.0.0", VERSION_2)
    seen = look(org, env, take={"queue.visibility_seconds": side}, set={"tracing": True})
    assert (seen.undecided, seen.refusals) == ((), ())
    assert len(seen.conflicts) == 1, "it is shown on, as decided"
    assert f"visibility_seconds {expected}" in seen.after
    assert "tracing = true" in seen.after


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"take": {"scaling.max": "mine"}}, "take.scaling.max"),
        ({"take": {"queue.visibility_seconds": "both"}}, "take.queue.visibility_seconds"),
        ({"set": {"nothing": 1}}, "settings.nothing"),
        ({"set": {"tracing": "loud"}}, "settings.tracing"),
    ],
)
def test_a_wrong_wish_is_refused_at_its_field(
    wish: dict[str, Any], field: str, org: Organisation, env: Environment, folder: Path
) -> None:
    publish(folder, "2.0.0", VERSION_2)
    with pytest.raises(Invalid) as refused:
        ask(org, env, **wish)
    assert field in [p.field for p in refused.value.problems]


@pytest.mark.parametrize("digests_known", [True, False])
def test_a_file_that_both_changed_is_a_conflict_under_its_name(
    digests_known: bool, org: Organisation, folder: Path
) -> None:
    env = standing(org, "dev", {}, digests_known=digests_known)
    by_hand(env, "main.tf", "resource", "# Ours.\nresource")
    publish(folder, "2.0.0", VERSION_2, alarm__tf="# New.\n")
    seen = look(org, env)
    assert [(c.path, c.file, c.choices) for c in seen.conflicts] == [("main.tf", True, ("mine", "new"))]
    assert seen.added == ("alarm.tf",)
    assert look(org, env, take={"main.tf": "mine"}).changed == ()
    assert look(org, env, take={"main.tf": "new"}).changed == ("main.tf",)


def test_a_setting_that_the_new_version_refuses_can_only_be_given_up(
    org: Organisation, env: Environment, folder: Path
) -> None:
    publish(folder, "2.0.0", {"pattern.yaml": (("max: 43200", "max: 200"),)})
    (conflict,) = look(org, env).conflicts
    assert (conflict.path, conflict.choices) == ("queue.visibility_seconds", ("new",))
    with pytest.raises(Invalid, match="at most 200"):
        ask(org, env, take={"queue.visibility_seconds": "mine"})
    seen = look(org, env, take={"queue.visibility_seconds": "new"}, set={"queue.visibility_seconds": 150})
    assert seen.refusals == ()
    assert "visibility_seconds = 150" in seen.after


def test_what_the_new_version_needs_beside_the_code(org: Organisation, env: Environment, folder: Path) -> None:
    fills = ("  name: environment.name\n", "  name: environment.name\n  rule: allocation.listener_rule_priority\n")
    secrets = ("# Outputs that", "secrets:\n  password: {length: 20}\n\n# Outputs that")
    publish(
        folder,
        "2.0.0",
        {"pattern.yaml": (fills, secrets), "locals.tf": (("locals {\n", "locals {\n  rule = 0\n\n"),)},
    )
    ask(org, env)
    env.refresh_from_db()
    assert env.allocations.filter(kind="rule_priority", released_at=None).count() == 1
    assert env.sealed


def test_a_version_that_is_reached_from_outside_gets_a_host_name(
    org: Organisation, env: Environment, folder: Path
) -> None:
    assert env.fqdn == ""
    fills = ("  name: environment.name\n", "  name: environment.name\n  fqdn: environment.fqdn\n")
    publish(
        folder,
        "2.0.0",
        {"pattern.yaml": (fills,), "locals.tf": (("locals {\n", 'locals {\n  fqdn = ""\n\n'),)},
    )
    ask(org, env)
    env.refresh_from_db()
    assert env.fqdn == f"{env.slug}.{env.sandbox.zone_name}"
    assert env.allocations.filter(kind="fqdn", value=env.fqdn, released_at=None).count() == 1


def test_addresses_that_cannot_be_had_are_told(org: Organisation, env: Environment, folder: Path) -> None:
    fills = ("  name: environment.name\n", "  name: environment.name\n  cidr: allocation.cidr\n")
    length = ("# Values that Stackyard fills", "cidr_prefix: 26\n\n# Values that Stackyard fills")
    publish(
        folder,
        "2.0.0",
        {"pattern.yaml": (fills, length), "locals.tf": (("locals {\n", 'locals {\n  cidr = ""\n\n'),)},
    )
    with pytest.raises(Invalid, match="no address pool"):
        ask(org, env)


def test_facts_that_the_sandbox_lacks_are_told(org: Organisation, env: Environment, folder: Path) -> None:
    org.sandbox.facts = {k: v for k, v in org.sandbox.facts.items() if k != "zone_id"}
    org.sandbox.save()
    publish(folder, "2.0.0", {"pattern.yaml": (("needs: [network, cluster]", "needs: [network, cluster, zone]"),)})
    with pytest.raises(Invalid, match="needs zone"):
        ask(org, Environment.objects.get())


def test_who_may_not_change_may_not_upgrade(org: Organisation, env: Environment, folder: Path) -> None:
    publish(folder, "2.0.0", VERSION_2)
    for user in (org.viewer, org.stranger):
        with pytest.raises(Forbidden):
            preview(user, env, UpgradeRequest())


def test_what_a_version_means_for_all(org: Organisation, env: Environment, folder: Path) -> None:
    standing(org, "calm", {"scaling.max": 4})
    standing(org, "loud", {"logs.retention_days": 7})
    new = publish(folder, "2.0.0", VERSION_2)
    found = impact(org.requester, new)
    assert [(i.environment.slug, i.clean, [c.path for c in i.conflicts]) for i in found] == [
        ("shop-calm", True, []),
        ("shop-dev", False, ["queue.visibility_seconds"]),
        ("shop-loud", False, ["logs.retention_days"]),
    ]
    assert impact(org.stranger, new) == ()
    strict = publish(folder, "2.0.0", {"pattern.yaml": (("max: 43200", "max: 200"),)})
    by_slug = {i.environment.slug: i for i in impact(org.platform, strict)}
    assert by_slug["shop-dev"].refused == ("queue.visibility_seconds",)


def test_an_interface_of_another_kind_is_refused(org: Organisation, env: Environment, folder: Path) -> None:
    Environment.objects.update(pattern=env.pattern)
    PatternVersion.objects.update(
        manifest={**env.pattern.manifest, "interface": "variables.tf"}, interface={"variables.tf": ""}
    )
    publish(folder, "2.0.0", VERSION_2)
    with pytest.raises(Unusable, match="has its settings in"):
        look(org, Environment.objects.get())


def test_common_components_follow_their_pattern_too(
    org: Organisation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stackyard.environments.baselines._ask_account", lambda _: ())
    monkeypatch.setattr(get_settings(), "aws_endpoint", "http://127.0.0.1:1")
    folder = own_baseline(tmp_path, monkeypatch)
    org.sandbox.pool = AddressPool.objects.create(name="corp", block="10.20.0.0/16")
    org.sandbox.facts = {}
    org.sandbox.save()
    run = bootstrap(org.platform, org.sandbox, {"network.nat_per_zone": True}, via="api")
    baseline = built(run, Catalogue.from_settings().baseline())
    assert newer_version(baseline) is None
    new = publish(folder, "1.1.0", {"locals.tf": (NEW_DEFAULT,)})
    assert newer_version(baseline) == new
    with pytest.raises(Forbidden):
        preview(org.requester, baseline, UpgradeRequest())
    seen = preview(org.platform, baseline, UpgradeRequest())
    assert (seen.refusals, [k.path for k in seen.kept]) == ((), ["network.nat_per_zone"])
    assert [i.clean for i in impact(org.platform, new)] == [True]
    run = upgrade(org.platform, baseline, UpgradeRequest(), via="api")
    assert (run.kind, run.request["upgrade"]) == ("change", new.digest)
