"""Which plan needs whom: rules add to what always holds, and the strictest counts."""

from typing import Any

import pytest

from stackyard.cmdb.models import Role, RunKind
from stackyard.errors import Invalid
from stackyard.runs.flows import APPROVE, FLOWS, flow_of
from stackyard.runs.rules import may_ask, need_of, parse

DATABASE = {"address": "aws_db_instance.this", "type": "aws_db_instance", "action": "replace", "destructive": True}
QUEUE = {"address": "aws_sqs_queue.this", "type": "aws_sqs_queue", "action": "update", "destructive": False}
TOPIC = {"address": "aws_sns_topic.this", "type": "aws_sns_topic", "action": "delete", "destructive": True}

STAFF_FOR_DATABASES = {"types": ["aws_db_*"], "actions": ["replace", "delete"], "role": "platform", "note": "Data."}


def role(rules: list[dict[str, Any]], kind: RunKind, *changes: dict[str, Any], wanted: str = "") -> str:
    need = need_of(parse(rules), kind, changes, wanted=wanted)
    return need.role if need else ""


def test_without_rules_a_requester_confirms_what_takes_away() -> None:
    assert role([], RunKind.CHANGE, QUEUE) == ""
    assert role([], RunKind.CHANGE, TOPIC) == "requester"
    assert role([], RunKind.CHANGE, QUEUE, wanted="It was asked for.") == "requester"
    assert role([], RunKind.CREATE, QUEUE) == role([], RunKind.DESTROY, TOPIC) == ""


@pytest.mark.parametrize(
    ("rule", "kind", "changes", "expected"),
    [
        (STAFF_FOR_DATABASES, RunKind.CHANGE, [DATABASE, QUEUE], "platform"),
        (STAFF_FOR_DATABASES, RunKind.CHANGE, [TOPIC], "requester"),
        (STAFF_FOR_DATABASES, RunKind.CHANGE, [{**DATABASE, "action": "update", "destructive": False}], ""),
        (STAFF_FOR_DATABASES, RunKind.DESTROY, [{**DATABASE, "action": "delete"}], ""),
        (
            {**STAFF_FOR_DATABASES, "kinds": ["destroy"]},
            RunKind.DESTROY,
            [{**DATABASE, "action": "delete"}],
            "platform",
        ),
        ({"kinds": ["create"], "role": "platform"}, RunKind.CREATE, [], "platform"),
        ({"kinds": ["create"], "types": ["aws_db_instance"]}, RunKind.CREATE, [QUEUE], ""),
        ({"actions": ["update"]}, RunKind.CHANGE, [QUEUE], "requester"),
    ],
)
def test_a_rule_fits_by_kind_type_and_action(
    rule: dict[str, Any], kind: RunKind, changes: list[dict[str, Any]], expected: str
) -> None:
    assert role([rule], kind, *changes) == expected


def test_the_strictest_wins_and_says_why() -> None:
    need = need_of(parse([{"actions": ["replace"]}, STAFF_FOR_DATABASES]), RunKind.CHANGE, [DATABASE])
    assert need is not None
    assert (need.role, need.reasons) == (Role.PLATFORM, ("Data.",))


def test_a_rule_without_a_note_names_what_it_fits() -> None:
    need = need_of(parse([{"actions": ["update"]}]), RunKind.CHANGE, [QUEUE])
    assert need is not None
    assert need.reasons == ("To update: aws_sqs_queue.this.",)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ([{"role": "viewer"}], "approvals.0.role"),
        ([{"kind": ["change"]}], "approvals.0.kind"),
        ([{"kinds": ["drift"]}], "approvals.0.kinds.0"),
        ({"role": "platform"}, "approvals"),
    ],
)
def test_a_rule_that_cannot_be_read_is_refused_and_not_passed_over(data: Any, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(data)
    assert field in {p.field for p in refused.value.problems}


def test_only_runs_that_a_rule_could_stop_have_the_stage() -> None:
    rules = parse([{"kinds": ["destroy"]}])
    assert may_ask(rules, RunKind.DESTROY)
    assert not may_ask(rules, RunKind.CREATE)
    for kind, before in ((RunKind.CREATE, "apply"), (RunKind.DESTROY, "destroy")):
        assert flow_of(kind, asks=False) == FLOWS[kind]
        names = [stage.name for stage in flow_of(kind, asks=True).forward]
        assert names.index("approve") + 1 == names.index(before)
    assert flow_of(RunKind.CHANGE, asks=True).forward.count(APPROVE) == 1
