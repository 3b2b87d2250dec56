"""What an event of GitHub asks for is read strictly, and becomes a job that fits what stands."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from stackyard.errors import Conflict, Invalid, NotFound
from stackyard.executors.requested import (
    LABELS,
    State,
    Wish,
    copy_code,
    find_code,
    make_job,
    read_event,
    require_fitting,
)
from stackyard.record.repository import PASSPORT

STANDING = '{"resources": [{"type": "aws_sqs_queue"}]}'


def issue(**answers: str) -> dict[str, Any]:
    given = {"what": "create", "environment": "shop-dev", "deletes": "no", **answers}
    return {"issue": {"body": "\r\n\r\n".join(f"### {text}\r\n\r\n{given.get(n, '')}" for n, text in LABELS.items())}}


def code(checkout: Path, name: str = "dev", **passport: Any) -> Path:
    folder = checkout / "commerce" / "shop" / name
    folder.mkdir(parents=True)
    said = {"environment": "shop-dev", "uid": "abcd", "account_id": "111122223333", "region": "eu-west-1", **passport}
    (folder / PASSPORT).write_text(yaml.safe_dump(said))
    (folder / "main.tf").write_text('terraform {\n  backend "s3" {}\n}\n')
    return folder


@pytest.mark.parametrize(
    ("event", "wish"),
    [
        (issue(), Wish("create", "shop-dev")),
        (issue(what="Change", deletes="yes"), Wish("change", "shop-dev", deletes=True)),
        (issue(what="destroy", confirmation=" shop-dev "), Wish("destroy", "shop-dev")),
        ({"inputs": {"what": "destroy", "environment": "shop-dev"}}, Wish("destroy", "shop-dev")),
        ({"issue": {"body": "Hello"}}, None),
        ({"issue": {"body": None}}, None),
        ({"issue": 7}, None),
        ([], None),
    ],
)
def test_what_is_asked_for(event: object, wish: Wish | None) -> None:
    assert read_event(event) == wish


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (issue(what="create\n\n### Name of the environment\n\nother"), "environment"),
        (issue(environment="Shop"), "environment"),
        (issue(environment="shop-dev\nwhat=destroy"), "environment"),
        (issue(environment="../etc"), "environment"),
        (issue(what=""), "what"),
        (issue(deletes="perhaps"), "deletes"),
        (issue(what="destroy", confirmation="shop"), "confirmation"),
        ({"inputs": {"what": "build", "environment": "shop-dev"}}, "what"),
        (issue(confirmation="x" * 80_000), "body"),
    ],
)
def test_what_is_wrong_is_named(event: object, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_event(event)
    assert refused.value.problems[0].field == field


def test_the_folder_is_found_by_its_passport(tmp_path: Path) -> None:
    folder = code(tmp_path)
    code(tmp_path, "other", environment="shop-other")
    (tmp_path / "commerce" / PASSPORT).write_text("{ not: [yaml")
    assert find_code(tmp_path, "shop-dev") == folder
    with pytest.raises(NotFound, match="shop-none"):
        find_code(tmp_path, "shop-none")
    code(tmp_path, "twice")
    with pytest.raises(Conflict, match="commerce/shop/dev, commerce/shop/twice"):
        find_code(tmp_path, "shop-dev")


@pytest.mark.parametrize(
    ("wish", "does"),
    [
        (Wish("create", "shop-dev"), (("plan", "apply"), "destroy", True)),
        (Wish("create", "shop-dev", deletes=True), (("plan", "apply"), "destroy", True)),
        (Wish("change", "shop-dev"), (("plan", "apply"), "keep", True)),
        (Wish("change", "shop-dev", deletes=True), (("plan", "apply"), "keep", False)),
        (Wish("destroy", "shop-dev"), (("destroy",), "keep", False)),
    ],
)
def test_a_job_does_what_is_wished(tmp_path: Path, wish: Wish, does: tuple[object, ...]) -> None:
    job, key = make_job(wish, code(tmp_path), State("states"), run=3)
    assert (job.steps, job.on_failure, job.only_adds) == does
    assert (job.backend["bucket"], job.backend["key"], key) == ("states", key, "stackyard/env_abcd.tfstate")
    assert (job.emulated, job.variables) == (False, {})


@pytest.mark.parametrize(
    ("passport", "field"),
    [({"uid": "a/../b"}, "uid"), ({"account_id": 12}, "account_id"), ({"region": "eu west"}, "region")],
)
def test_a_passport_that_is_not_fit_is_refused(tmp_path: Path, passport: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        make_job(Wish("create", "shop-dev"), code(tmp_path, **passport), State("states"), run=1)
    assert [p.field for p in refused.value.problems] == [f"{PASSPORT}: {field}"]


def test_state_in_a_database_is_refused_and_so_are_links(tmp_path: Path) -> None:
    folder = code(tmp_path)
    (folder / "other").symlink_to("/etc/passwd")
    with pytest.raises(Invalid, match="links"):
        copy_code(folder, tmp_path / "job")
    (folder / "main.tf").write_text('terraform {\n  backend "pg" {}\n}\n')
    with pytest.raises(Invalid, match="in a bucket"):
        make_job(Wish("create", "shop-dev"), folder, State("states"), run=1)


@pytest.mark.parametrize(
    ("what", "state", "fits"),
    [
        ("create", "", True),
        ("create", '{"resources": []}', True),
        ("create", STANDING, False),
        ("change", STANDING, True),
        ("change", "", False),
        ("destroy", STANDING, True),
        ("destroy", '{"resources": []}', False),
        ("create", "[]", False),
        ("create", "{", False),
    ],
)
def test_a_wish_fits_what_stands(what: Any, state: str, fits: bool) -> None:
    if fits:
        require_fitting(Wish(what, "shop-dev"), state)
        return
    with pytest.raises(Conflict):
        require_fitting(Wish(what, "shop-dev"), state)
