"""What a new environment's interface file would be, while the person is still filling in the form."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.http import QueryDict

from stackyard.cmdb.models import Product, Sandbox
from stackyard.environments import naming
from stackyard.errors import Invalid, Problem, Unusable
from stackyard.patterns.catalogue import Pattern
from stackyard.patterns.components import Part, parts_of
from stackyard.patterns.parameters import check_settings
from stackyard.patterns.types import REQUIRED
from stackyard.patterns.workspace import Filling, fill_interface, interface_file
from stackyard.portal.diff import Diff, diff_of
from stackyard.portal.forms.settings import parse_settings


@dataclass(frozen=True)
class NewPreview:
    """`diff`: the pattern's file against the one with the settings; `filled`: that one against what Stackyard makes of
    it, as far as it is known beforehand; `later`: what is known only once it is created."""

    diff: Diff
    filled: Diff
    later: tuple[str, ...]
    parts: list[Part]
    problems: tuple[Problem, ...]


def preview_new(
    pattern: Pattern, posted: QueryDict | None, product: Product | None, name: str, sandbox: Sandbox | None
) -> NewPreview:
    """Look, without claiming anything. Settings that would be refused are left out, and told."""
    values, problems = parse_settings(pattern.parameters, posted) if posted is not None else ({}, [])
    kept, refused = _acceptable(pattern, values)
    filling = _filling(product, name, sandbox)
    known = [path for path, source in pattern.manifest.fills.items() if _is_known(filling, source)]
    file = interface_file(pattern)
    own = _text(pattern, filling, kept, ())
    return NewPreview(
        diff=diff_of(_text(pattern, filling, {}, ()), own, file),
        filled=diff_of(own, _text(pattern, filling, kept, known), file),
        later=tuple(path for path in pattern.manifest.fills if path not in known),
        parts=parts_of(pattern, kept),
        problems=(*problems, *refused),
    )


def _acceptable(pattern: Pattern, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Settings that differ from the defaults and keep their rules, and what is wrong with the others.

    That something is still missing is not told while a person is on the way to it.
    """
    try:
        return check_settings(pattern.parameters, values), []
    except Invalid as error:
        refused = [p for p in error.problems if p.message != REQUIRED]
    wrong = {problem.field.removeprefix("settings.") for problem in refused}
    kept: dict[str, Any] = {}
    for parameter in pattern.parameters:
        if parameter.path in values and parameter.path not in wrong and not parameter.hidden:
            kept |= check_settings([parameter], {parameter.path: values[parameter.path]})
    return kept, refused


def _filling(product: Product | None, name: str, sandbox: Sandbox | None) -> Filling:
    """What is known before anything is claimed."""
    environment: dict[str, Any] = {"exists": False, "further_fqdns": []}
    if product is not None and name and not naming.check_name(product, name):
        environment["name"] = naming.slug(product, name)
        if sandbox is not None:
            environment["fqdn"] = naming.fqdn(product, name, sandbox)
    facts = {**sandbox.facts, "region": sandbox.region, "account_id": sandbox.account_id} if sandbox else {}
    return Filling(
        environment, facts, {}, region="", role_arn="", external_id="", session_name="", emulated=False, backend=""
    )


def _text(pattern: Pattern, filling: Filling, settings: Mapping[str, Any], fills: Collection[str]) -> str:
    """The interface file with these settings, and with those of the pattern's `fills` that are named."""
    only = {path: source for path, source in pattern.manifest.fills.items() if path in fills}
    shown = replace(pattern, manifest=pattern.manifest.model_copy(update={"fills": only}))
    return fill_interface(shown, filling, settings).decode("utf-8", errors="replace")


def _is_known(filling: Filling, source: str) -> bool:
    try:
        filling.value(source)
    except Unusable:
        return False
    return True
