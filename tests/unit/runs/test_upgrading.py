"""A pattern whose interface are variables: its file of values has only what differs, before an upgrade and after."""

from pathlib import Path
from typing import Any

import pytest
from tests.unit.patterns.folders import variables_pattern

from stackyard.cmdb.models import PatternVersion
from stackyard.patterns.catalogue import Pattern
from stackyard.patterns.workspace import VALUES_FILE, Filling, fill_interface
from stackyard.runs.interface import Interface
from stackyard.runs.upgrading import Recorded, Target, Upgraded, upgraded
from stackyard.runs.wish import Wish

OLD = """\
variable "name" { type = string }
variable "size" {
  type    = number
  default = 1
}
variable "days" {
  type    = number
  default = 14
}
variable "network" {
  type    = object({ ports = list(number), open = bool })
  default = { ports = [443], open = false }
}
variable "owner" { type = string }
variable "password" {
  type      = string
  sensitive = true
}
"""
FILLS = "fills: {name: environment.name}\n"
FILLING = Filling({"name": "shop-dev"}, {}, {}, "", "", "", "", False, "pg")


def bring(tmp_path: Path, new: str, settings: dict[str, Any], extra: str = "", **wish: Any) -> Upgraded:
    old_pattern = variables_pattern(tmp_path / "old", OLD, FILLS)
    pattern: Pattern = variables_pattern(tmp_path / "new", new, FILLS)
    mine = fill_interface(old_pattern, FILLING, settings) + extra.encode()
    recorded = Recorded(
        files={VALUES_FILE: mine},
        version=PatternVersion(name="small", version="1.0.0"),
        old=Interface(old_pattern.manifest, old_pattern.parameters),
        rendered={},
        filling=FILLING,
    )
    return upgraded(recorded, Target.of(pattern, "pg"), Wish(**wish), {"password"})


def lines(found: Upgraded) -> list[str]:
    return [" ".join(line.split()) for line in found.after.decode().splitlines() if not line.startswith("#")]


def test_what_was_given_stays_and_defaults_follow(tmp_path: Path) -> None:
    found = bring(tmp_path, OLD.replace("default = 14", "default = 30"), {"owner": "me", "size": 5})
    assert (found.conflicts, found.problems) == ((), ())
    assert sorted(lines(found)) == ['name = "shop-dev"', 'owner = "me"', "size = 5"]
    assert found.after == found.before


def test_both_changed_is_a_conflict_and_what_is_the_default_is_not_kept(tmp_path: Path) -> None:
    new = OLD.replace("default = 14", "default = 30")
    given = {"owner": "me", "days": 7}
    (conflict,) = bring(tmp_path / "a", new, given).undecided
    assert (conflict.path, conflict.old, conflict.new, conflict.mine) == ("days", "14", "30", "7")
    assert "days = 7" in lines(bring(tmp_path / "b", new, given, take={"days": "mine"}))
    assert not any("days" in line for line in lines(bring(tmp_path / "c", new, given, take={"days": "new"})))


def test_an_attribute_of_an_object_is_merged_alone(tmp_path: Path) -> None:
    found = bring(tmp_path, OLD.replace("ports = [443]", "ports = [443, 80]"), {"owner": "me", "network.open": True})
    assert found.conflicts == ()
    (network,) = (v for v in [found.after.decode()] if "network" in v)
    assert "443, 80" in " ".join(network.replace("\n", " ").split()).replace("443,80", "443, 80")
    assert "open" in network
    assert "true" in network


def test_what_had_to_be_given_keeps_its_value_under_a_new_default(tmp_path: Path) -> None:
    new = OLD.replace('variable "owner" { type = string }', 'variable "owner" {\n  default = "nobody"\n}')
    found = bring(tmp_path, new, {"owner": "me"})
    assert found.conflicts == ()
    assert 'owner = "me"' in lines(found)


def test_what_has_to_be_given_now_is_told_and_can_be_given(tmp_path: Path) -> None:
    new = f'{OLD}\nvariable "team" {{ type = string }}\n'
    assert [p.field for p in bring(tmp_path / "a", new, {"owner": "me"}).problems] == ["settings.team"]
    found = bring(tmp_path / "b", new, {"owner": "me"}, set={"team": "blue"})
    assert found.problems == ()
    assert 'team = "blue"' in lines(found)


@pytest.mark.parametrize("given", ["size", "owner"])
def test_a_variable_that_is_gone_is_a_conflict(tmp_path: Path, given: str) -> None:
    start = OLD.index(f'variable "{given}"')
    block = OLD[start : OLD.index("}\n", start) + 2]
    settings = {"owner": "me", "size": 5}
    (conflict,) = bring(tmp_path / "a", OLD.replace(block, ""), settings).undecided
    assert (conflict.path, conflict.choices) == (given, ("new",))
    found = bring(tmp_path / "b", OLD.replace(block, ""), settings, take={given: "new"})
    assert (found.undecided, found.problems) == ((), ())
    assert not any(line.startswith(given) for line in lines(found))


def test_a_rule_of_the_new_version_is_told_before_anything_runs(tmp_path: Path) -> None:
    rule = '  validation {\n    condition     = var.size < 4\n    error_message = "Too large."\n  }\n'
    new = OLD.replace("  default = 1\n", f"  default = 1\n{rule}", 1)
    found = bring(tmp_path, new, {"owner": "me", "size": 5})
    assert [(p.field, p.message) for p in found.problems] == [("settings.size", "Too large.")]
