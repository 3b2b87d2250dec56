"""A job: Terraform's part of a run as a folder, which a build on another machine does (`executors.running`).

The folder holds `job.json`, the environment's code in `code/`, `plan.tfplan` when the first step is to apply a saved
plan, and `errored.tfstate` when an earlier apply could not save its state. It travels as a zip.
"""

import json
import re
import shutil
import stat
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from stackyard.errors import Invalid, Problem, shown
from stackyard.terraform.events import Diagnostic

VERSION = 1
JOB_FILE, CODE, PLAN_FILE, ERRORED_STATE, RESULT_FILE = (
    "job.json", "code", "plan.tfplan", "errored.tfstate", "result.json")  # fmt: skip
STEPS = (("plan",), ("apply",), ("destroy",), ("plan", "apply"))
KEPT_OUT = frozenset({".terraform", ERRORED_STATE})
"""What `init` makes anew on every machine, and what has a place of its own."""

JOB_BYTES = 1_000_000
PACKAGE_BYTES = 300_000_000
PACKAGE_FILES = 20_000
"""More than any pattern has by far: a package that says more is refused before it is unpacked."""

_VARIABLE = re.compile(r"TF_VAR_\w+|TF_APPEND_USER_AGENT|AWS_\w+", re.ASCII)
"""What a job may set for Terraform. Others, such as TF_CLI_ARGS, would change what its steps do."""
_BACKEND = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_HINT = "The job's format is told in docs/executors.md."

Step = Literal["plan", "apply", "destroy"]
Status = Literal["succeeded", "failed", "cancelled"]


@dataclass(frozen=True)
class Job:
    """What is to be done. `secrets` names where the build finds them; they are never in a job. `results` is where the
    build brings what it leaves; with `live` also what it says, while it works, and there it is told to stop.

    `only_adds` refuses a plan that deletes or replaces anything. `on_failure="destroy"` destroys after an apply that
    failed. `backend` are arguments of the backend block, `variables` environment variables for Terraform.
    """

    run: int
    environment: str
    uid: str
    steps: tuple[Step, ...]
    on_failure: Literal["destroy", "keep"]
    only_adds: bool
    refresh_only: bool = False
    backend: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: str = ""
    results: str = ""
    live: bool = False
    region: str = ""
    account_id: str = ""
    emulated: bool = False

    @classmethod
    def from_dict(cls, data: object) -> "Job":
        """From the content of `job.json`. Raises Invalid with every field that is wrong."""
        if not isinstance(data, dict):
            raise Invalid.field(JOB_FILE, "It has to be a JSON object.")
        problems = [Problem(shown(name), "There is no such field.") for name in data if name not in _RULES]
        for name, (holds, rule) in _RULES.items():
            if name not in data and name in _REQUIRED:
                problems.append(Problem(name, f"It is missing. {rule}"))
            elif name in data and not holds(data[name]):
                problems.append(Problem(name, rule))
        if data.get("live") is True and not data.get("results"):
            problems.append(Problem("live", "What is said has no place without results."))
        if problems:
            raise Invalid([Problem(f"{JOB_FILE}: {p.field}", p.message) for p in problems], hint=_HINT)
        given = {name: value for name, value in data.items() if name != "version"}
        return cls(**{**given, "steps": tuple(data["steps"])})

    def as_dict(self) -> dict[str, Any]:
        """The content of `job.json`."""
        return {"version": VERSION, **asdict(self), "steps": list(self.steps)}


@dataclass(frozen=True)
class Result:
    """How a job ended: `step` is the last that was begun. `outputs` holds no sensitive one."""

    status: Status
    step: str
    error: str = ""
    hint: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    destroyed: bool = False
    engine: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The content of `result.json`."""
        return asdict(self)


def _texts(allowed: re.Pattern[str]) -> Callable[[object], bool]:
    return lambda value: (
        isinstance(value, dict)
        and all(allowed.fullmatch(name) and isinstance(text, str) and "\0" not in text for name, text in value.items())
    )


def _text(pattern: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII) is not None


def _flag(value: object) -> bool:
    return isinstance(value, bool)


_RULES: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "version": (lambda value: value == VERSION and not _flag(value), f"This Stackyard knows version {VERSION} only."),
    "run": (lambda value: isinstance(value, int) and not _flag(value) and value >= 0, "A whole number."),
    "environment": (_text(r"[\w.-]{1,100}"), "The environment's name: letters, digits, '-', '_' and '.'."),
    "uid": (_text(r"[\w-]{1,64}"), "The environment's uid: letters, digits, '-' and '_'."),
    "steps": (
        lambda value: isinstance(value, list) and tuple(value) in STEPS,
        'One of ["plan"], ["apply"], ["destroy"] and ["plan", "apply"].',
    ),
    "on_failure": (lambda value: value in ("destroy", "keep"), '"destroy" or "keep".'),
    "only_adds": (_flag, "true or false."),
    "refresh_only": (_flag, "true or false."),
    "backend": (_texts(_BACKEND), "An object of texts: name and value of each argument of the backend."),
    "variables": (
        _texts(_VARIABLE),
        "An object of texts. Names may be TF_VAR_..., TF_APPEND_USER_AGENT and AWS_...",
    ),
    "secrets": (_text(r"[\w/+=.@-]{0,512}"), "The name of a secret of AWS Secrets Manager, or empty."),
    "results": (_text(r"(s3://[a-z0-9.-]{3,63}/[\w/.=-]{1,500}/)?"), "s3://bucket/folder/, or empty."),
    "live": (_flag, "true or false."),
    "region": (_text(r"[a-z0-9-]{0,40}"), 'A region such as "eu-west-1", or empty.'),
    "account_id": (_text(r"(\d{12})?"), "Twelve digits, or empty."),
    "emulated": (_flag, "true or false."),
}
_REQUIRED = ("version", "run", "environment", "uid", "steps", "on_failure", "only_adds")


def read_job(folder: Path) -> Job:
    """The job in `folder`, with everything its steps need. Raises Invalid that names what is wrong or missing."""
    try:
        if (folder / JOB_FILE).stat().st_size > JOB_BYTES:
            raise Invalid.field(JOB_FILE, f"It is too big: {JOB_BYTES} bytes are the most.")
        data = json.loads((folder / JOB_FILE).read_text(encoding="utf-8"))
    except OSError as error:
        raise Invalid.field(JOB_FILE, f"It cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise Invalid.field(JOB_FILE, f"It is not JSON: {shown(error)}.") from None
    job = Job.from_dict(data)
    if not (folder / CODE).is_dir() or not any(next((folder / CODE).glob(p), None) for p in ("*.tf", "*.tf.json")):
        raise Invalid.field(f"{CODE}/", "It holds no Terraform code.")
    if job.steps[0] == "apply" and not (folder / PLAN_FILE).is_file():
        raise Invalid.field(PLAN_FILE, "It is missing: the first step is to apply a saved plan.")
    return job


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """A JSON file, whole or not at all, readable by its owner only."""
    draft = path.with_name(f".{path.name}.draft")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    draft.replace(path)


def pack(package: Path, job: Job, code: Path, *, plan: Path | None = None, errored_state: Path | None = None) -> None:
    """Write a job as a zip. Raises Invalid for links in the code, and for a package that would be refused."""
    files = [f for f in sorted(code.rglob("*")) if not KEPT_OUT & set(f.relative_to(code).parts)]
    links = [f for f in files if f.is_symlink()]
    if links:
        raise Invalid.field(shown(links[0].relative_to(code)), "The code of a job must have no links.")
    named = [(file, f"{CODE}/{file.relative_to(code).as_posix()}") for file in files if file.is_file()]
    named += [(file, name) for file, name in ((plan, PLAN_FILE), (errored_state, ERRORED_STATE)) if file is not None]
    _require_size(len(named), sum(file.stat().st_size for file, _ in named), package.name)
    package.touch(mode=0o600)
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        archive.writestr(JOB_FILE, json.dumps(job.as_dict(), indent=1))
        for file, name in named:
            archive.write(file, name)


def unpack(package: Path, folder: Path) -> None:
    """Unpack a job into `folder`, which is new or empty. Raises Invalid, before anything is written, for a package
    that is broken, too big, or would write elsewhere."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise Invalid.field(str(folder), "The folder to unpack into is not empty.")
    try:
        with zipfile.ZipFile(package) as archive:
            entries = archive.infolist()
            _require_size(len(entries), sum(entry.file_size for entry in entries), package.name)
            _require_inside(entries)
            for entry in entries:
                _write(archive, entry, folder)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise Invalid.field(package.name, f"It is no zip that can be unpacked: {shown(error)}.") from None
    except OSError as error:
        raise Invalid.field(package.name, f"It cannot be unpacked: {shown(error)}.") from None


def _require_size(files: int, size: int, name: str) -> None:
    if files > PACKAGE_FILES or size > PACKAGE_BYTES:
        raise Invalid.field(
            name,
            f"It is too big: {files} files of {size} bytes; {PACKAGE_FILES} files of {PACKAGE_BYTES} bytes "
            "are the most.",
        )


def _require_inside(entries: list[zipfile.ZipInfo]) -> None:
    seen: set[str] = set()
    for entry in entries:
        # `orig_filename`: zipfile cuts the other at a NUL.
        name, kind = entry.orig_filename, stat.S_IFMT(entry.external_attr >> 16)
        parts = name.removesuffix("/").split("/")
        if {"", ".", ".."} & set(parts) or "\\" in name or "\0" in name or PurePosixPath(name).is_absolute():
            raise Invalid.field(shown(name), "The package would write outside of its folder.")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise Invalid.field(shown(name), "The package has a link or a device in it; only files are taken.")
        if name in seen:
            raise Invalid.field(shown(name), "The package has this file twice.")
        seen.add(name)


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    target = folder / entry.filename
    if entry.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as source, target.open("xb") as file:
        shutil.copyfileobj(source, file)
    target.chmod(0o700 if (entry.external_attr >> 16) & stat.S_IXUSR else 0o600)
