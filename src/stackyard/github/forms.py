"""The issue forms, from the catalogue and the CMDB. What they ask is what `reading` reads."""

import base64
from pathlib import Path
from typing import Any

import yaml

from stackyard.cmdb.models import Product, Sandbox
from stackyard.environments.issues import NONE, repository_of
from stackyard.errors import NotFound
from stackyard.github.reading import ANY_SANDBOX, CHANGE, DELETE, NEW, Field
from stackyard.github_api.connection import Connection
from stackyard.patterns.catalogue import Catalogue
from stackyard.settings import get_settings

FOLDER = Path(".github/ISSUE_TEMPLATE")
PUSH_PERMISSIONS = {"contents": "write", "metadata": "read"}
_SETTINGS_HELP = "One per line, such as `container.cpu = 512`. Lists and maps as JSON. Empty: the pattern's defaults."


def forms(catalogue: Catalogue, repository: str) -> dict[str, str]:
    """File name -> text of every form for a repository of issues. Reads the CMDB for products and sandboxes."""
    return {
        "new-environment.yml": _text(_new(catalogue, repository.lower())),
        "change-environment.yml": _text(_change()),
        "delete-environment.yml": _text(_delete()),
    }


def push_forms(connection: Connection, catalogue: Catalogue) -> dict[str, bool]:
    """Commit them to the default branch of the repository, one commit for each that differs. File -> whether it did.

    The connection needs `PUSH_PERMISSIONS`. Raises what it raises, as where the branch is protected.
    """
    written = {}
    for name, text in forms(catalogue, connection.repository).items():
        path = f"{connection.base}/contents/{FOLDER.as_posix()}/{name}"
        try:
            there = connection.ask("GET", path)
        except NotFound:
            there = {}
        known = base64.b64decode(there.get("content") or "").decode(errors="replace")
        written[name] = known != text
        if known != text:
            wish = {"message": f"Write {name}", "content": base64.b64encode(text.encode()).decode()}
            connection.ask("PUT", path, {**wish, "sha": there["sha"]} if there else wish)
    return written


def write_forms(folder: Path, catalogue: Catalogue, repository: str) -> list[Path]:
    """Write those for a repository into a folder, which is made; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in forms(catalogue, repository).items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


def _new(catalogue: Catalogue, repository: str) -> dict[str, Any]:
    """With what can be asked there: the sandboxes whose issues it has, and in a repository that only sandboxes name the
    products of their departments."""
    product, pattern, name, sandbox, expires, settings = NEW
    sandboxes = Sandbox.objects.exclude(issues=NONE).order_by("name")
    here = [row for row in sandboxes if repository_of(row) == repository]
    rows = Product.objects.order_by("name")
    if repository != get_settings().github_repository.lower():
        rows = rows.filter(department__in={row.department_id for row in here})
    products = list(rows.values_list("name", flat=True))
    patterns = sorted(p.manifest.name for p in catalogue.list())
    return _form(
        "New environment",
        "Builds an environment from a pattern.",
        "New environment: ",
        _choice(product, products) if products else _line(product, "Name of the product.", required=True),
        _choice(pattern, patterns) if patterns else _line(pattern, "Name of the pattern.", required=True),
        _line(name, "Lower-case letters, digits and hyphens; a part of its address.", required=True),
        _choice(sandbox, [ANY_SANDBOX, *(row.name for row in here)], default=0),
        _line(expires, "Empty: as long as usual in the sandbox."),
        _lines(settings, _SETTINGS_HELP),
    )


def _change() -> dict[str, Any]:
    environment, settings = CHANGE
    return _form(
        "Change an environment",
        "Changes settings of an environment that stands.",
        "Change ",
        _line(environment, "Its name with its product, such as shop-dev.", required=True),
        _lines(settings, f"{_SETTINGS_HELP} `unset container.cpu` goes back to the default.", required=True),
    )


def _delete() -> dict[str, Any]:
    environment, again = DELETE
    return _form(
        "Delete an environment",
        "Takes an environment away, with all that is in it.",
        "Delete ",
        _line(environment, "Its name with its product, such as shop-dev.", required=True),
        _line(again, "To say that you mean it.", required=True),
    )


def _form(name: str, description: str, title: str, *body: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "description": description, "title": title, "labels": ["stackyard"], "body": list(body)}


def _choice(field: Field, options: list[str], default: int | None = None) -> dict[str, Any]:
    attributes: dict[str, Any] = {"label": field.label, "options": options}
    if default is not None:
        attributes["default"] = default
    return {"type": "dropdown", "id": field.name, "attributes": attributes, "validations": {"required": True}}


def _line(field: Field, help_text: str, *, required: bool = False) -> dict[str, Any]:
    return _input("input", field, help_text, required)


def _lines(field: Field, help_text: str, *, required: bool = False) -> dict[str, Any]:
    return _input("textarea", field, help_text, required)


def _input(kind: str, field: Field, help_text: str, required: bool) -> dict[str, Any]:
    attributes = {"label": field.label, "description": help_text}
    return {"type": kind, "id": field.name, "attributes": attributes, "validations": {"required": required}}


def _text(form: dict[str, Any]) -> str:
    head = "# Written by `stackyard github form`; write it again when products, patterns or sandboxes change.\n"
    return head + yaml.safe_dump(form, sort_keys=False, allow_unicode=True, width=1000)
