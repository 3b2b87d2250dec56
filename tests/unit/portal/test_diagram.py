"""The drawing of an environment's resources."""

import re
from typing import Any

from stackyard.patterns.components import component_of
from stackyard.portal.diagram import WIDTH, Diagram, draw

COMPONENTS = {
    "DNS": ["aws_route53_record"],
    "Service": ["aws_ecs_service", "module.service"],
    "Logs": ["aws_cloudwatch_log_group"],
    "Roles": ["aws_iam_role"],
}


def resource(address: str, *needs: str) -> dict[str, Any]:
    parts = re.sub(r"\[[^]]*\]", "", address).split(".")
    return {"address": address, "type": parts[-2], "name": parts[-1], "id": f"id-{address}", "depends_on": list(needs)}


def drawn(*resources: dict[str, Any], components: dict[str, list[str]] | None = None) -> Diagram:
    diagram = draw(resources, COMPONENTS if components is None else components)
    assert diagram is not None
    return diagram


def test_nothing_is_not_drawn() -> None:
    assert draw([], COMPONENTS) is None


def test_what_needs_something_stands_left_of_it() -> None:
    diagram = drawn(
        resource("aws_cloudwatch_log_group.app"),
        resource("aws_ecs_service.app", "aws_cloudwatch_log_group.app"),
        resource('aws_route53_record.name["x"]', "aws_ecs_service.app"),
    )
    x = {box.title: box.x for box in diagram.boxes}
    assert x["DNS"] < x["Service"] < x["Logs"]
    assert [e.title for e in diagram.edges] == ["DNS needs Service", "Service needs Logs"]


def test_an_edge_that_follows_from_others_is_left_out() -> None:
    diagram = drawn(
        resource("aws_cloudwatch_log_group.app"),
        resource("aws_ecs_service.app", "aws_cloudwatch_log_group.app"),
        resource("aws_route53_record.name", "aws_ecs_service.app", "aws_cloudwatch_log_group.app"),
    )
    assert "DNS needs Logs" not in {e.title for e in diagram.edges}


def test_every_resource_is_a_row_of_its_component_and_the_rest_is_other() -> None:
    diagram = drawn(
        resource("module.service.aws_ecs_task_definition.this"),
        resource("module.service[0].aws_ecs_service.this"),
        resource("module.service_mesh.aws_appmesh_mesh.this"),
    )
    rows = {box.title: [line.text for line in box.lines] for box in diagram.boxes}
    assert rows == {"Service": ["ecs_task_definition", "ecs_service"], "Other": ["appmesh_mesh"]}


def test_the_first_component_that_fits_takes_the_resource() -> None:
    components = {"First": ["aws_iam_role"], "Second": ["aws_iam_role", "aws_iam_role.task"]}
    assert component_of(resource("aws_iam_role.task"), components) == "First"


def test_components_that_need_one_another_are_drawn_nevertheless() -> None:
    diagram = drawn(
        resource("aws_ecs_service.a", "aws_iam_role.b"),
        resource("aws_iam_role.b"),
        resource("aws_iam_role.c", "aws_ecs_service.a"),
    )
    assert len(diagram.boxes) == 2
    assert len(diagram.edges) == 1


def test_boxes_never_overlap_and_lie_inside() -> None:
    many = [resource("aws_iam_role.base")]
    components = {"Base": ["aws_iam_role.base"]}
    for i in range(12):
        needs = [f"aws_iam_role.r{j}" for j in range(i) if (i * j) % 3 == 0] or ["aws_iam_role.base"]
        many.append(resource(f"aws_iam_role.r{i}", *needs))
        components[f"C{i}"] = [f"aws_iam_role.r{i}"]
    diagram = drawn(*many, components=components)

    for box in diagram.boxes:
        assert 0 <= box.x <= diagram.width - WIDTH
        assert 0 <= box.y <= diagram.height - box.height
        for other in diagram.boxes:
            if other is not box and other.x == box.x:
                assert other.y >= box.y + box.height or box.y >= other.y + other.height


def test_an_edge_over_several_columns_does_not_cross_a_box() -> None:
    diagram = drawn(
        resource("aws_iam_role.d"),
        resource("aws_iam_role.c", "aws_iam_role.d"),
        resource("aws_iam_role.b", "aws_iam_role.c"),
        resource("aws_iam_role.a", "aws_iam_role.b", "aws_iam_role.e"),
        resource("aws_iam_role.e", "aws_iam_role.d"),
        components={k.upper(): [f"aws_iam_role.{k}"] for k in "abcde"},
    )
    boxes = {b.title: b for b in diagram.boxes}
    long = next(e for e in diagram.edges if e.title == "E needs D")
    passes = [int(y) for y in re.findall(r"(\d+) (?=H)", long.path)]
    assert passes, "it passes a column on a straight lane"
    assert all(not boxes["C"].y <= y <= boxes["C"].y + boxes["C"].height for y in passes)


def test_the_order_of_resources_does_not_matter() -> None:
    rows = [
        resource("aws_route53_record.name", "aws_ecs_service.app"),
        resource("aws_ecs_service.app", "aws_iam_role.task", "aws_cloudwatch_log_group.app"),
        resource("aws_iam_role.task"),
        resource("aws_cloudwatch_log_group.app"),
    ]
    assert drawn(*rows) == drawn(*reversed(rows))
