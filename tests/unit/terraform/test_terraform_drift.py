"""Drift is what somebody changed in AWS, and nothing that providers, deployments or edits of the code bring."""

import json
from typing import Any

import pytest

from stackyard.terraform.drift import Drifted, drift_in


def resource(address: str, before: Any, after: Any, *actions: str, **more: Any) -> dict[str, Any]:
    change = {"actions": list(actions), "before": before, "after": after, **more}
    return {"address": address, "mode": "managed", "change": change}


def found(applied: Any, in_aws: Any, wanted: Any, **more: Any) -> dict[str, tuple[Any, Any]]:
    """Path -> (before, after) when Terraform applied one thing, AWS has another, and the code wants a third."""
    drift = resource("a.b", applied, in_aws, "update", **more)
    planned = resource("a.b", in_aws, wanted, "no-op" if in_aws == wanted else "update")
    (*one,) = drift_in({"resource_drift": [drift], "resource_changes": [planned]})
    return {a.path: (a.before, a.after) for r in one for a in r.attributes}


def test_a_changed_attribute_is_found_with_both_values() -> None:
    logs = {"name": "/ecs/a", "retention_in_days": 14, "tags": {"a": "1", "b": "2"}, "tags_all": {"a": "1", "b": "2"}}
    aws = {**logs, "retention_in_days": 3, "tags": {"a": "9", "b": "2"}, "tags_all": {"a": "9", "b": "2"}}
    assert found(logs, aws, logs) == {"retention_in_days": (14, 3), "tags.a": ("1", "9")}


def test_what_the_code_ignores_is_no_drift() -> None:
    service = {"desired_count": 1, "task_definition": "app:1"}
    deployed = {"desired_count": 4, "task_definition": "app:7"}
    assert found(service, deployed, deployed) == {}


def test_an_edit_of_the_code_that_waits_is_no_drift() -> None:
    assert found({"size": 1, "name": "a"}, {"size": 1, "name": "b"}, {"size": 2, "name": "a"}) == {"name": ("a", "b")}
    assert found({"tags": {"x": "1"}}, {"tags": {"x": "1"}}, {"tags": {"x": "1", "y": "2"}}) == {}


def test_what_a_provider_fills_in_is_no_drift() -> None:
    applied: dict[str, Any] = {"ingress": [], "policy": "", "kms": None, "name": "a"}
    assert found(applied, {**applied, "ingress": None, "policy": None, "kms": "", "name": "a"}, applied) == {}
    assert found(applied, {**applied, "ingress": [{"port": 1}]}, {**applied, "ingress": [{"port": 1}]}) == {}


def test_blocks_and_policies_are_told_by_their_parts() -> None:
    def target(path: str, action: str) -> dict[str, Any]:
        return {
            "health_check": [{"path": path, "matcher": "200"}],
            "policy": json.dumps({"Statement": [{"Action": action, "Effect": "Allow"}]}),
        }

    assert found(target("/", "s3:Get*"), target("/evil", "s3:*"), target("/", "s3:Get*")) == {
        "health_check[0].path": ("/", "/evil"),
        "policy.Statement[0].Action": ("s3:Get*", "s3:*"),
    }
    spaced = {"policy": '{"Statement":  []}'}
    assert found(spaced, {"policy": '{"Statement": []}'}, spaced) == {}


def test_lists_of_another_length_are_told_as_a_whole() -> None:
    assert found({"ports": [1, 2]}, {"ports": [1]}, {"ports": [1, 2]}) == {"ports": ("[1, 2]", "[1]")}
    added = found({"tags": None}, {"tags": {"by hand": "yes"}}, {"tags": None})
    assert added == {'tags["by hand"]': (None, "yes")}


def test_a_resource_that_is_gone_is_told_only_when_the_code_wants_it() -> None:
    gone = resource("aws_sqs_queue.a", {"name": "a"}, None, "delete")
    again = resource("aws_sqs_queue.a", None, {"name": "a"}, "create")
    assert drift_in({"resource_drift": [gone], "resource_changes": [again]}) == (Drifted("aws_sqs_queue.a", "delete"),)
    assert drift_in({"resource_drift": [gone], "resource_changes": []}) == ()


CANARY = "kanarienvogel"


@pytest.mark.parametrize(
    ("applied", "marks"),
    [
        ({"x": {"y": CANARY}}, {"x": {"y": True}}),
        ({"x": [{"y": CANARY}]}, {"x": True}),
        ({"x": [CANARY, "b"]}, {"x": [True]}),
        ({"master_password": CANARY}, {}),
        ({"environment": {"variables": {"API_TOKEN": CANARY}}}, {}),
        ({"containers": json.dumps([{"environment": [{"name": "DB_PASSWORD", "value": CANARY}]}])}, {}),
        ({"containers": json.dumps([{"environment": [{"name": "A_SECRET", "value": CANARY}, {}]}])}, {}),
    ],
)
def test_sensitive_values_are_never_in_it(applied: dict[str, Any], marks: Any) -> None:
    changed = json.loads(json.dumps(applied).replace(CANARY, "other-" + CANARY))
    drift = resource("a.b", applied, changed, "update", before_sensitive=marks, after_sensitive=False)
    planned = resource("a.b", changed, applied, "update")

    (one,) = drift_in({"resource_drift": [drift], "resource_changes": [planned]})

    assert CANARY not in json.dumps(one.as_dict())
    assert [a.sensitive for a in one.attributes] == [True]


def test_texts_are_cleaned_and_short() -> None:
    plan = {
        "resource_drift": [resource("a.b", {"t": "x" * 9000}, {"t": "the-hidden-one"}, "update")],
        "resource_changes": [resource("a.b", {"t": "the-hidden-one"}, {"t": "x" * 9000}, "update")],
    }
    (one,) = drift_in(plan, lambda text: text.replace("the-hidden-one", "(hidden)"))
    (attribute,) = one.attributes
    assert (len(attribute.before) < 600, attribute.after) == (True, "(hidden)")


def test_a_plan_without_drift_or_with_odd_parts_is_no_error() -> None:
    assert drift_in({}) == ()
    assert (
        drift_in({"resource_drift": [{"address": "a", "mode": "managed"}], "resource_changes": [{"address": "a"}]})
        == ()
    )
