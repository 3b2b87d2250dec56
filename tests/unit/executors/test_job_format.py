"""A job is read strictly, and travels as a zip that cannot write elsewhere."""

import json
import stat
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stackyard.errors import Invalid
from stackyard.executors import job as jobs
from stackyard.executors.job import Job, pack, read_job, unpack

GOOD: dict[str, Any] = {
    "version": 1,
    "run": 12,
    "environment": "shop-web",
    "uid": "abcdefgh",
    "steps": ["plan", "apply"],
    "on_failure": "destroy",
    "only_adds": True,
    "backend": {"bucket": "b", "key": "k"},
    "variables": {"TF_VAR_stackyard_endpoint": "http://127.0.0.1:1", "AWS_REGION": "eu-west-1"},
    "secrets": "stackyard/abcdefgh-12",
    "results": "s3://bucket-1/results/jobs/abcdefgh-12.zip/",
    "region": "eu-west-1",
    "account_id": "123456789012",
    "emulated": False,
}


def folder_with(tmp_path: Path, **fields: Any) -> Path:
    (tmp_path / "code").mkdir(exist_ok=True)
    (tmp_path / "code" / "main.tf").write_text('resource "terraform_data" "a" {}\n')
    (tmp_path / "job.json").write_text(json.dumps({**GOOD, **fields}))
    return tmp_path


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    job = read_job(folder_with(tmp_path))
    assert (job.steps, job.on_failure, job.only_adds) == (("plan", "apply"), "destroy", True)
    assert Job.from_dict(job.as_dict()) == job
    assert job.as_dict() == {**GOOD, "refresh_only": False, "live": False}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", 2),
        ("version", True),
        ("run", "12"),
        ("live", "yes"),
        ("environment", "../up"),
        ("uid", ""),
        ("steps", []),
        ("steps", ["apply", "plan"]),
        ("steps", "plan"),
        ("steps", [["plan"]]),
        ("on_failure", "ask"),
        ("results", "https://example.com/"),
        ("results", "s3://b"),
        ("on_failure", ["keep"]),
        ("only_adds", "yes"),
        ("backend", {"key": 1}),
        ("backend", {"-lock": "false"}),
        ("variables", {"TF_CLI_ARGS": "-auto-approve"}),
        ("variables", {"LD_PRELOAD": "x.so"}),
        ("variables", {"TF_VAR_a": "b\0"}),
        ("secrets", "a b"),
        ("region", None),
        ("account_id", "12"),
        ("emulated", 0),
        ("only_add", True),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, field: str, value: Any) -> None:
    with pytest.raises(Invalid) as error:
        read_job(folder_with(tmp_path, **{field: value}))
    assert [p.field for p in error.value.problems] == [f"job.json: {field}"]


def test_what_is_said_live_needs_a_place(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"job\.json: live"):
        read_job(folder_with(tmp_path, live=True, results=""))
    assert read_job(folder_with(tmp_path, live=True)).live


def test_every_missing_field_is_named(tmp_path: Path) -> None:
    folder_with(tmp_path)
    (tmp_path / "job.json").write_text("{}")
    with pytest.raises(Invalid) as error:
        read_job(tmp_path)
    names = ["version", "run", "environment", "uid", "steps", "on_failure", "only_adds"]
    assert [p.field for p in error.value.problems] == [f"job.json: {name}" for name in names]


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '"a"', "\udcff", " " * 1_000_001])
def test_a_malformed_file_is_refused_in_words(tmp_path: Path, text: str) -> None:
    folder_with(tmp_path)
    (tmp_path / "job.json").write_text(text, errors="surrogateescape")
    with pytest.raises(Invalid, match=r"job\.json"):
        read_job(tmp_path)


def test_what_the_steps_need_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"job\.json"):
        read_job(tmp_path)
    folder_with(tmp_path, steps=["apply"])
    with pytest.raises(Invalid, match=r"plan\.tfplan"):
        read_job(tmp_path)
    (tmp_path / "plan.tfplan").touch()
    assert read_job(tmp_path).steps == ("apply",)
    (tmp_path / "code" / "main.tf").unlink()
    with pytest.raises(Invalid, match="code/"):
        read_job(tmp_path)


def test_a_job_travels_whole(tmp_path: Path) -> None:
    (source := tmp_path / "from").mkdir()
    job = read_job(folder_with(source))
    code = source / "code"
    (code / ".terraform.lock.hcl").write_text("# lock\n")
    for name in (".terraform/providers/big", "files/run.sh"):
        (code / name).parent.mkdir(parents=True, exist_ok=True)
        (code / name).write_text("x")
    (code / "files" / "run.sh").chmod(0o755)
    (code / "errored.tfstate").write_text("{}")
    (plan := tmp_path / "p").write_bytes(b"plan")
    pack(tmp_path / "job.zip", job, code, plan=plan, errored_state=code / "errored.tfstate")
    unpack(tmp_path / "job.zip", tmp_path / "to")
    to = tmp_path / "to"
    assert read_job(to) == job
    assert sorted(str(f.relative_to(to)) for f in to.rglob("*") if f.is_file()) == [
        "code/.terraform.lock.hcl",
        "code/files/run.sh",
        "code/main.tf",
        "errored.tfstate",
        "job.json",
        "plan.tfplan",
    ]
    assert (to / "plan.tfplan").read_bytes() == b"plan"
    assert (to / "code/files/run.sh").stat().st_mode & stat.S_IXUSR
    assert not (to / "code/main.tf").stat().st_mode & 0o177


def test_code_with_a_link_is_not_packed(tmp_path: Path) -> None:
    job = read_job(folder_with(tmp_path))
    (tmp_path / "code" / "passwd").symlink_to("/etc/passwd")
    with pytest.raises(Invalid, match="passwd"):
        pack(tmp_path / "job.zip", job, tmp_path / "code")


@pytest.mark.parametrize(
    "name", ["../up.tf", "code/../../up.tf", "/tmp/up.tf", "code//up.tf", "./up.tf", "..\\up.tf", "a\0b", "code/.."]
)
def test_a_package_that_would_write_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    entry = zipfile.ZipInfo("x")
    entry.filename = name
    with zipfile.ZipFile(tmp_path / "job.zip", "w") as archive:
        archive.writestr("job.json", "{}")
        archive.writestr(entry, "x")
    with pytest.raises(Invalid):
        unpack(tmp_path / "job.zip", tmp_path / "deep" / "to")
    assert [f for f in tmp_path.rglob("*") if f.is_file()] == [tmp_path / "job.zip"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_a_package_with_a_link_is_refused(tmp_path: Path, kind: int) -> None:
    entry = zipfile.ZipInfo("code/link")
    entry.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "job.zip", "w") as archive:
        archive.writestr(entry, "/etc")
    with pytest.raises(Invalid, match="code/link"):
        unpack(tmp_path / "job.zip", tmp_path / "to")


def test_a_package_that_is_too_big_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = read_job(folder_with(tmp_path))
    (tmp_path / "code" / "zeros").write_bytes(bytes(5000))
    pack(tmp_path / "job.zip", job, tmp_path / "code")
    assert (tmp_path / "job.zip").stat().st_size < 4000
    monkeypatch.setattr(jobs, "PACKAGE_BYTES", 4000)
    with pytest.raises(Invalid, match="too big"):
        unpack(tmp_path / "job.zip", tmp_path / "to")
    with pytest.raises(Invalid, match="too big"):
        pack(tmp_path / "again.zip", job, tmp_path / "code")
    monkeypatch.setattr(jobs, "PACKAGE_BYTES", 40000)
    monkeypatch.setattr(jobs, "PACKAGE_FILES", 1)
    with pytest.raises(Invalid, match="too big"):
        unpack(tmp_path / "job.zip", tmp_path / "to")


def test_what_is_no_zip_and_a_folder_in_use_are_refused(tmp_path: Path) -> None:
    (tmp_path / "job.zip").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(Invalid, match=r"job\.zip"):
        unpack(tmp_path / "job.zip", tmp_path / "to")
    with pytest.raises(Invalid, match="not empty"):
        unpack(tmp_path / "job.zip", tmp_path)


def test_a_file_of_which_the_name_is_there_twice_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "job.zip", "w") as archive:
        archive.writestr("job.json", "{}")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("job.json", "{}")
    with pytest.raises(Invalid, match="twice"):
        unpack(tmp_path / "job.zip", tmp_path / "to")


def test_a_plan_and_a_destroy_differ_in_steps_only() -> None:
    job = Job.from_dict(GOOD)
    assert Job.from_dict({**GOOD, "steps": ["destroy"]}) == replace(job, steps=("destroy",))
