"""What a workflow of the repository of environment code is asked for, by an issue or by hand, as a job.

Without a server and its database: folder, account and state follow from the passport that lies beside the code. All
texts of people are read from the event's file, and what comes out of here is checked to be plain.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from stackyard.errors import Conflict, Invalid, NotFound, Problem, shown
from stackyard.executors.job import CODE, KEPT_OUT, Job, Step
from stackyard.record.repository import PASSPORT

What = Literal["create", "change", "destroy"]
WHATS: tuple[What, ...] = ("create", "change", "destroy")
LABELS = {
    "what": "What is to be done",
    "environment": "Name of the environment",
    "deletes": "May things be taken away",
    "confirmation": "For a destroy: the same name again",
}
"""Fields of the form `pipeline/github/environments/.github/ISSUE_TEMPLATE/environment.yml`, in its order."""

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?", re.ASCII)
_UID = re.compile(r"[\w-]{1,64}", re.ASCII)
_BACKEND = re.compile(r'^\s*backend\s+"(\w+)"', re.MULTILINE)
LONGEST = 70_000


@dataclass(frozen=True)
class Wish:
    """What is to be done with which environment. `deletes`: a change may take things away."""

    what: What
    environment: str
    deletes: bool = False


@dataclass(frozen=True)
class State:
    """Where the state lies: a bucket; on the emulator with its address. `locks`: Terraform locks by itself there."""

    bucket: str
    endpoint: str = ""
    locks: bool = True


def read_event(event: object) -> Wish | None:
    """What the event of a workflow asks for: an issue that was made by the form, or values given by hand. None for an
    issue that the form did not make. Raises Invalid with every field that is wrong."""
    given = event if isinstance(event, dict) else {}
    if isinstance(given.get("inputs"), dict):
        inputs = {name: str(given["inputs"].get(name) or "") for name in LABELS}
        return _checked({**inputs, "confirmation": inputs["environment"]})
    issue = given.get("issue")
    body = issue.get("body") if isinstance(issue, dict) else None
    answers = _answers(str(body or ""))
    return None if answers is None else _checked(answers)


def _answers(body: str) -> dict[str, str] | None:
    """The form's answers. Each heading counts where the form has it: what looks like a later one stays an answer."""
    text = body.replace("\r\n", "\n").strip()
    if not text.startswith(f"### {LABELS['what']}\n"):
        return None
    if len(text) > LONGEST:
        raise Invalid.field("body", "It is too long.")
    found, order = dict.fromkeys(LABELS, ""), list(LABELS)
    rest = f"\n{text}\n"
    for name, following in zip(order, [*order[1:], ""], strict=True):
        head = f"\n### {LABELS[name]}\n"
        if not rest.startswith(head):
            continue
        answer, mark, after = rest[len(head) - 1 :].partition(f"\n### {LABELS[following]}\n" if following else "\0")
        found[name] = answer.strip().replace("_No response_", "")
        rest = f"{mark}{after}"
    return found


def _checked(given: Mapping[str, str]) -> Wish:
    what, environment = given["what"].strip().lower(), given["environment"].strip()
    deletes = given["deletes"].strip().lower()
    problems = []
    if what not in WHATS:
        problems.append(Problem("what", f"One of {', '.join(WHATS)}."))
    if not NAME.fullmatch(environment):
        problems.append(Problem("environment", "Its name with its product, such as shop-dev."))
    if deletes not in ("", "no", "yes", "false", "true"):
        problems.append(Problem("deletes", "yes or no."))
    if what == "destroy" and given["confirmation"].strip() != environment:
        problems.append(Problem("confirmation", "Write the name again to say that you mean it."))
    if problems:
        raise Invalid(problems)
    return Wish(next(w for w in WHATS if w == what), environment, deletes in ("yes", "true"))


def find_code(checkout: Path, environment: str) -> Path:
    """The folder of the environment's code, by its passport. Raises NotFound when no folder has one that says so,
    Conflict when several have."""
    found = []
    for file in sorted(checkout.rglob(PASSPORT)):
        inside = file.relative_to(checkout).parts
        if ".git" not in inside and not file.is_symlink() and _passport(file).get("environment") == environment:
            found.append(file.parent)
    if not found:
        raise NotFound(f"No folder of this repository holds the code of {shown(environment)}.")
    if len(found) > 1:
        names = ", ".join(shown(folder.relative_to(checkout)) for folder in found)
        raise Conflict(f"Several folders say that they are {shown(environment)}: {names}.", hint="Leave one.")
    return found[0]


def make_job(wish: Wish, code: Path, state: State, *, run: int, secrets: str = "") -> tuple[Job, str]:
    """The job for a wish, and the key of its state. Raises Invalid when the code or its passport is not fit for it."""
    passport = _passport(code / PASSPORT)
    uid, account, region = (str(passport.get(name) or "") for name in ("uid", "account_id", "region"))
    problems = []
    if not _UID.fullmatch(uid):
        problems.append(Problem(f"{PASSPORT}: uid", "Letters, digits, '-' and '_'."))
    if not re.fullmatch(r"\d{12}", account, re.ASCII):
        problems.append(Problem(f"{PASSPORT}: account_id", "Twelve digits, in quotes."))
    if not re.fullmatch(r"[a-z0-9-]{5,40}", region, re.ASCII):
        problems.append(Problem(f"{PASSPORT}: region", "A region such as eu-west-1."))
    backends = {b for file in code.glob("*.tf") for b in _BACKEND.findall(file.read_text(encoding="utf-8"))}
    if backends != {"s3"}:
        problems.append(Problem("backend", 'The code has to keep its state in a bucket: backend "s3".'))
    if problems:
        raise Invalid(problems)
    key = f"stackyard/env_{uid}.tfstate"
    steps: tuple[Step, ...] = ("destroy",) if wish.what == "destroy" else ("plan", "apply")
    job = Job(
        run=run,
        environment=wish.environment,
        uid=uid,
        steps=steps,
        on_failure="destroy" if wish.what == "create" else "keep",
        only_adds=wish.what == "create" or (wish.what == "change" and not wish.deletes),
        backend=_backend(state, key, region),
        variables={"TF_VAR_stackyard_endpoint": state.endpoint} if state.endpoint else {},
        secrets=secrets,
        region=region,
        account_id=account,
        emulated=bool(state.endpoint),
    )
    return job, key


def require_fitting(wish: Wish, state: str) -> None:
    """Refuse a wish that does not fit what stands, by the state's text: above all, what is taken back when a create
    fails must not have stood before. Raises Conflict."""
    try:
        stands = bool(json.loads(state or "{}").get("resources"))
    except (ValueError, AttributeError):
        raise Conflict(f"The state of {wish.environment} is not readable.", hint="Nothing was done.") from None
    if wish.what == "create" and stands:
        raise Conflict(f"{wish.environment} stands already.", hint="Ask for a change.")
    if wish.what != "create" and not stands:
        raise Conflict(f"Nothing of {wish.environment} stands.", hint="Ask for a create.")


def copy_code(code: Path, target: Path) -> None:
    """The environment's code into a job's folder. Raises Invalid for links, which could show what lies elsewhere."""
    for file in sorted(code.rglob("*")):
        name = file.relative_to(code)
        if file.is_symlink():
            raise Invalid.field(shown(name), "The code of a job must have no links.")
        if file.is_file() and not KEPT_OUT & set(name.parts):
            place = target / CODE / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())


def _backend(state: State, key: str, region: str) -> dict[str, str]:
    arguments = {"bucket": state.bucket, "key": key, "region": region, "encrypt": "true"}
    if state.locks:
        arguments["use_lockfile"] = "true"
    if state.endpoint:
        address = json.dumps(state.endpoint)
        arguments |= {
            "endpoints": f"{{s3={address},sts={address}}}",
            "use_path_style": "true",
            "skip_credentials_validation": "true",
            "skip_requesting_account_id": "true",
            "skip_metadata_api_check": "true",
        }
    return arguments


def _passport(file: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(file.read_bytes())
    except (OSError, yaml.YAMLError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
