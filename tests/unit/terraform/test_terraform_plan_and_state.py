"""What a plan would do and what stands, without a single secret value."""

from typing import Any

import pytest

from stackyard.terraform.plan import Change, Plan
from stackyard.terraform.state import Resource, State


def change(
    actions: list[str], before: Any = None, after: Any = None, unknown: Any = None, **more: Any
) -> dict[str, Any]:
    return {
        "address": "a.b",
        "type": "a",
        "change": {"actions": actions, "before": before, "after": after, "after_unknown": unknown or {}},
        **more,
    }


@pytest.mark.parametrize(
    ("actions", "name"),
    [
        (["create"], "create"),
        (["update"], "update"),
        (["delete"], "delete"),
        (["delete", "create"], "replace"),
        (["create", "delete"], "replace"),
        (["forget"], "forget"),
    ],
)
def test_every_action_has_its_name_and_is_counted(actions: list[str], name: str) -> None:
    plan = Plan.from_json({"resource_changes": [change(actions)]})
    assert [c.action for c in plan.changes] == [name]
    assert plan.counts == {name: 1}
    assert plan.summary == f"1 to {name.replace('delete', 'destroy')}"
    assert not plan.is_empty


def test_reads_drift_and_what_stays_are_no_changes() -> None:
    plan = Plan.from_json(
        {
            "resource_changes": [change(["no-op"]), change(["read"])],
            "resource_drift": [change(["update"], {"a": 1}, {"a": 2})],
            "output_changes": {"new": {"actions": ["create"]}, "same": {"actions": ["no-op"]}},
        }
    )
    assert plan.is_empty
    assert plan.summary == "no changes"
    assert plan.changed_outputs == ("new",)


def test_an_empty_answer_is_an_empty_plan() -> None:
    assert Plan.from_json({}) == Plan(())


def test_changed_attributes_are_named_and_their_values_left_out() -> None:
    plan = Plan.from_json(
        {
            "resource_changes": [
                change(
                    ["update"],
                    {"same": 1, "size": 1, "password": "canary-old", "gone": "x"},
                    {"same": 1, "size": 2, "password": "canary-new"},
                    {"arn": True, "tags": {}},
                    module_address="module.m",
                )
            ]
        }
    )
    assert plan.changes == (Change("a.b", "a", "module.m", "update", ("arn", "gone", "password", "size")),)
    assert "canary" not in str(plan.as_dict())


def test_a_new_resource_names_no_attributes() -> None:
    assert Plan.from_json({"resource_changes": [change(["create"], None, {"x": 1})]}).changes[0].attributes == ()


def test_a_state_lists_resources_of_all_modules_and_plain_outputs() -> None:
    state = State.from_json(
        {
            "version": 4,
            "outputs": {
                "url": {"value": "https://x", "type": "string"},
                "key": {"value": "canary", "type": "string", "sensitive": True},
            },
            "resources": [
                {
                    "mode": "managed",
                    "type": "aws_lb",
                    "name": "a",
                    "instances": [
                        {
                            "attributes": {"id": "i", "arn": "arn:i", "password": "canary"},
                            "dependencies": ["module.m.x.y", "aws_vpc.v"],
                        },
                        {"deposed": "00000000", "attributes": {"id": "old"}},
                    ],
                },
                {"mode": "data", "type": "z", "name": "z", "instances": [{"attributes": {"id": "no"}}]},
                {
                    "module": "module.m",
                    "mode": "managed",
                    "type": "x",
                    "name": "y",
                    "instances": [
                        {
                            "attributes": {"id": "canary"},
                            "sensitive_attributes": [[{"type": "get_attr", "value": "id"}]],
                        }
                    ],
                },
                {
                    "module": "module.n[0]",
                    "mode": "managed",
                    "type": "x",
                    "name": "z",
                    "instances": [
                        {"index_key": 'a"b', "attributes": {"id": "1"}},
                        {"index_key": 7, "attributes": {"id": "2"}},
                    ],
                },
            ],
        }
    )
    assert state.resources == (
        Resource("aws_lb.a", "aws_lb", "a", "", "i", "arn:i", ("aws_vpc.v", "module.m.x.y")),
        Resource("module.m.x.y", "x", "y", "module.m", ""),
        Resource('module.n[0].x.z["a\\"b"]', "x", "z", "module.n[0]", "1"),
        Resource("module.n[0].x.z[7]", "x", "z", "module.n[0]", "2"),
    )
    assert state.outputs == {"url": "https://x"}
    assert "canary" not in str([r.as_dict() for r in state.resources])


def test_a_state_in_which_nothing_stands() -> None:
    assert State.from_json({}) == State()
