"""`stackyard env upgrade` and `stackyard pattern impact`: newer versions of patterns."""

import base64
import uuid
from pathlib import Path
from typing import Any

import typer

from stackyard.cli.answering import somebody_is_there
from stackyard.cli.change import Confirm, show_diff, through
from stackyard.cli.client import Client, part
from stackyard.cli.env import Environment, Wait, go_on
from stackyard.cli.output import JsonOption, print_json, say, table
from stackyard.errors import Invalid, Problem


def upgrade(
    environment: str = Environment,
    take: list[str] = typer.Option(
        [],
        "--take",
        metavar="PATH=mine|new",
        help="What is to stand where both this environment and the new version have changed it; repeatable.",
    ),
    assignments: list[str] = typer.Option(
        [], "--set", metavar="PATH=VALUE", help="A setting, by the rules of the new version; repeatable."
    ),
    diff: bool = typer.Option(False, "--diff", help="Show what would become of the code, and do nothing."),
    plan_only: bool = typer.Option(False, "--plan-only", help="End after Terraform's plan."),
    ask: bool = typer.Option(False, "--ask", help="Wait for approval, whatever the plan."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask before it begins."),
    confirm: str = Confirm,
    wait: bool = Wait,
    as_json: bool = JsonOption,
) -> None:
    """Bring an environment to the newer version of its pattern.

    What was set and what was edited by hand goes on. Where the new version changed the same, you decide with --take.
    """
    client = Client.from_environment()
    address = f"/environments/{part(environment)}/upgrade"
    wish: dict[str, Any] = {"take": _takes(take), "set": {}}
    if assignments:
        from stackyard.cli.values import read_settings

        wish["set"] = read_settings(client.get(f"{address}/settings"), assignments)
    seen = client.post(f"{address}/preview", wish)
    if diff and as_json:
        print_json(seen)
        return
    _show(seen, to_stderr=as_json)
    refused = [Problem(p["field"], p["message"]) for p in seen["problems"]]
    undecided = [c for c in seen["conflicts"] if not c["decided"]]
    refused += [Problem(f"--take {c['path']}={'|'.join(c['choices'])}", c["reason"]) for c in undecided]
    if diff:
        return
    if refused:
        raise Invalid(refused, hint="`mine` keeps what this environment has, `new` takes what the new version has.")
    if not yes and not plan_only and somebody_is_there() and not typer.confirm("Upgrade it?", err=True):
        raise typer.Abort
    wish |= {"plan_only": plan_only, "confirm": ask, "digest": seen["digest"]}
    accepted = client.post(address, wish, idempotency_key=str(uuid.uuid4()))
    if wait or plan_only or confirm:
        through(client, accepted, confirm=confirm, as_json=as_json)
    else:
        go_on(client, accepted, wait=False, as_json=as_json)


def impact(
    pattern: str = typer.Argument(
        help="A pattern's name in the catalogue, or the folder of one that is not there yet."
    ),
    as_json: bool = JsonOption,
) -> None:
    """Tell what a version of a pattern means for the environments that stand, also before it is published.

    Exit code 1 when one of them would need a decision, or could not follow.
    """
    client = Client.from_environment()
    if "/" in pattern or Path(pattern).is_dir():
        from stackyard.patterns.manifest import read_manifest

        folder = Path(pattern)
        name = read_manifest(folder / "pattern.yaml").name
        found = client.post(f"/patterns/{part(name)}/impact", {"files": _files(folder.resolve())})
    else:
        found = client.get(f"/patterns/{part(pattern)}/impact")
    if as_json:
        print_json(found)
    else:
        _show_impact(found)
    if found["breaks"]:
        raise typer.Exit(1)


def _show(seen: Any, *, to_stderr: bool) -> None:
    def line(text: str, colour: str = "") -> None:
        from stackyard.cli.output import printable

        typer.secho(printable(text), fg=colour or None, err=to_stderr)

    line(f"{seen['built']['name']}: {seen['built']['version']} -> {seen['to']['version']}")
    show_diff(seen["diff"], to_stderr=to_stderr)
    for word, names in (("New file", "added"), ("Changed file", "changed"), ("File that goes", "removed")):
        for name in seen[names]:
            line(f"{word}: {name}")
    if seen["components"]:
        line("Components: " + ", ".join(f"{title} ({word})" for title, word in seen["components"].items()))
    for path in seen["kept"]:
        line(f"Kept: {path}", "green")
    for c in seen["conflicts"]:
        state = "decided" if c["decided"] else "to be decided"
        line(f"Conflict, {state}: {c['path']}. {c['reason']}", "yellow" if c["decided"] else "red")
        if not c["file"]:
            line(f"  old {c['old'] or '-'}   new {c['new'] or '-'}   mine {c['mine'] or '-'}")


def _show_impact(found: Any) -> None:
    pattern = f"{found['pattern']['name']} {found['pattern']['version']}"
    rows = []
    for item in found["items"]:
        words = [f"refused: {path}" for path in item["refused"]]
        words += [f"conflict: {path}" for path in item["conflicts"] if path not in item["refused"]]
        words += [f"{p['field']}: {p['message']}" for p in item["problems"]]
        words += [item["error"]] if item["error"] else []
        rows.append((item["environment"], item["version"], "clean" if item["clean"] else "breaks", "; ".join(words)))
    table(("ENVIRONMENT", "HAS", "RESULT", "WHY"), rows)
    count, breaks = len(found["items"]), found["breaks"]
    say(f"{pattern} breaks {breaks} of {count} environments." if count else f"No environment is behind {pattern}.")


def _files(folder: Path) -> dict[str, str]:
    """A pattern's folder and the modules that it uses, as the API takes them."""
    from stackyard.patterns.catalogue import code_files, read_pattern_folder
    from stackyard.settings import get_settings

    beside = folder.parent.parent / "modules"
    pattern = read_pattern_folder(folder, beside if beside.is_dir() else get_settings().modules)
    places = {"pattern": folder, **{f"modules/{module.name}": module for module in pattern.modules}}
    return {
        f"{place}/{file.relative_to(root).as_posix()}": base64.b64encode(file.read_bytes()).decode()
        for place, root in places.items()
        for file in code_files(root)
    }


def _takes(texts: list[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        path, equals, side = text.rpartition("=")
        if not equals or side not in ("mine", "new"):
            raise Invalid([Problem("--take", f"'{text}' is not PATH=mine or PATH=new.")])
        found[path] = side
    return found
