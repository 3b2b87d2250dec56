"""The interface in `variable` blocks: type, default, description, `validation`, `nullable` and `sensitive`.

A variable of an object type is a group of parameters, one for each attribute, as an object in `locals.tf` is.
https://developer.hashicorp.com/terraform/language/values/variables
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stackyard import hcl
from stackyard.patterns.annotations import NotAnAnnotation, read_comment
from stackyard.patterns.expressions import Call, Const, ListOf, Node, NotRead, Operation, Ref, conjuncts, parse
from stackyard.patterns.interface import (
    Interface,
    Offer,
    Rule,
    line_of_annotation,
    parse_file,
    syntax_trouble,
    terraform_files,
)
from stackyard.patterns.manifest import Overlay
from stackyard.patterns.positions import Trouble
from stackyard.patterns.types import ANY, Attribute, NotAType, Type, parse_type, plain, type_of_value

VALUES_SUFFIXES = (".auto.tfvars", ".auto.tfvars.json")
VALUES_FILES = ("terraform.tfvars", "terraform.tfvars.json")


@dataclass(frozen=True)
class Variable:
    """One `variable` block. `default` counts only when not `required`; `type` is None when there is no constraint."""

    name: str
    type: Type | None
    required: bool
    default: Any
    description: str
    nullable: bool
    sensitive: bool
    rules: tuple[Rule, ...]
    annotated: Overlay
    file: str
    line: int


def read_variables(folder: Path) -> Interface:
    """What the variables of a root module offer."""
    variables, troubles = variables_of(folder)
    given, more = own_values(folder)
    offers: list[Offer] = []
    for variable in variables:
        if variable.name in given:
            variable = replace(variable, required=False, default=given[variable.name])
        try:
            offers += _offers(variable)
        except NotAnAnnotation as error:
            troubles.append(Trouble(variable.file, variable.line, f"{variable.name}: {error}"))
    # Inside of an object every path exists that its type names.
    above = {hcl.format_path(o.path[:n]) for o in offers for n in range(1, len(o.path) + 1)}
    return Interface(tuple(offers), frozenset(above | {v.name for v in variables}), (*troubles, *more))


def variables_of(folder: Path) -> tuple[list[Variable], list[Trouble]]:
    """Every variable of a root module, and what is wrong with the files."""
    found: list[Variable] = []
    troubles: list[Trouble] = []
    for file in terraform_files(folder):
        try:
            tree = parse_file(file)
        except hcl.HclError as error:
            troubles.append(syntax_trouble(file, error))
            continue
        for block in tree.body.blocks:
            if block.type == "variable" and len(block.labels) == 1:
                found.append(_variable(block, f"{folder.name}/{file.name}", troubles))
    return found, troubles


def is_values_file(name: str) -> bool:
    """Whether Terraform reads a file of this name as values of variables by itself."""
    return name in VALUES_FILES or name.endswith(VALUES_SUFFIXES)


def own_values(folder: Path) -> tuple[dict[str, Any], list[Trouble]]:
    """The values that a root module brings along for its own variables, in Terraform's order of precedence."""
    files = [folder / name for name in VALUES_FILES if (folder / name).is_file()]
    files += sorted(f for f in folder.iterdir() if f.is_file() and f.name.endswith(VALUES_SUFFIXES))
    found: dict[str, Any] = {}
    troubles: list[Trouble] = []
    for file in files:
        try:
            found |= _values_in(file)
        except (hcl.HclError, ValueError) as error:
            troubles.append(syntax_trouble(file, error))
    return found, troubles


def _values_in(file: Path) -> Mapping[str, Any]:
    if file.name.endswith(".json"):
        data = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(data, dict):
            raise ValueError("It must hold names with values.")
        return data
    return {a.name: plain(a.expr.value) for a in parse_file(file).body.attributes}


def _variable(block: hcl.Block, file: str, troubles: list[Trouble]) -> Variable:
    name, body, line = block.labels[0], block.body, block.range.start.line
    try:
        comment, annotated = read_comment(block.comment)
    except NotAnAnnotation as error:
        troubles.append(Trouble(file, line_of_annotation(block, error.name), str(error)))
        comment, annotated = block.comment, Overlay()
    constraint, default = body.attribute("type"), body.attribute("default")
    type_: Type | None = None
    try:
        type_ = parse_type(constraint.expr.text) if constraint else None
    except NotAType as error:
        troubles.append(Trouble(file, constraint.range.start.line if constraint else line, f"{name}: {error}"))
    if default is not None and not default.expr.is_constant:
        troubles.append(Trouble(file, default.range.start.line, f"{name}: The default is not a constant."))
    return Variable(
        name=name,
        type=type_,
        required=default is None,
        default=plain(default.expr.value) if default is not None and default.expr.is_constant else None,
        description=_constant(body, "description", "") or comment,
        nullable=_constant(body, "nullable", True) is not False,
        sensitive=_constant(body, "sensitive", False) is True,
        rules=tuple(_rules(name, body)),
        annotated=annotated,
        file=file,
        line=line,
    )


def _constant(body: hcl.Body, name: str, otherwise: Any) -> Any:
    attribute = body.attribute(name)
    return attribute.expr.value if attribute is not None and attribute.expr.is_constant else otherwise


def _rules(name: str, body: hcl.Body) -> Iterator[Rule]:
    for block in body.blocks:
        condition = block.body.attribute("condition")
        if block.type == "validation" and condition is not None:
            message = _constant(block.body, "error_message", "") or f"The rules of {name} refuse this."
            yield Rule(name, condition.expr.text, str(message))


def _offers(variable: Variable) -> Iterator[Offer]:
    type_ = variable.type or (ANY if variable.default is None else type_of_value(variable.default))
    if type_.shape == "any" and variable.default is not None:
        type_ = type_of_value(variable.default)
    whole = Offer(
        (variable.name,),
        type_,
        variable.default,
        variable.description,
        variable.file,
        variable.line,
        required=variable.required,
        nullable=variable.nullable,
        secret=variable.sensitive,
        annotated=variable.annotated,
        rules=variable.rules,
    )
    for offer in _attributes(whole):
        yield _narrowed(offer)


def _attributes(offer: Offer) -> Iterator[Offer]:
    """An offer of an object type as one for each attribute, however deep."""
    # A secret object is one value: it is handed over as a whole, outside of the code.
    if offer.type.shape != "object" or not offer.type.attributes or offer.secret:
        yield offer
        return
    given = offer.default if isinstance(offer.default, Mapping) else {}
    absent = offer.default is None and not offer.required
    for name, attribute in offer.type.attributes.items():
        yield from _attributes(_attribute(offer, name, attribute, given, absent))


def _attribute(above: Offer, name: str, attribute: Attribute, given: Mapping[str, Any], absent: bool) -> Offer:
    description, annotated = read_comment(attribute.description)
    return replace(
        above,
        path=(*above.path, name),
        type=attribute.type,
        default=None if absent else given.get(name, attribute.default),
        description=description,
        required=attribute.required and name not in given and not absent,
        nullable=not attribute.required or absent,
        annotated=annotated,
    )


def _narrowed(offer: Offer) -> Offer:
    """The offer with what its rules say in the simplest of forms, so that a form can show it."""
    for rule in offer.rules:
        try:
            parts = list(conjuncts(parse(rule.condition)))
        except NotRead:
            continue
        for part in parts:
            offer = _narrowed_by(offer, part)
    return offer


def _narrowed_by(offer: Offer, part: Node) -> Offer:
    me = Ref(("var", *offer.path))
    match part:
        case Operation("||", (Operation("==", (ref, Const(None))), rest)) if ref == me:
            narrowed = offer
            for inner in conjuncts(rest):
                narrowed = _narrowed_by(narrowed, inner)
            return replace(narrowed, nullable=offer.nullable)
        # Without such a way out, each of these refuses null or cannot be worked out for it.
        case Call("contains", (ListOf(items), ref)) if ref == me and all(isinstance(i, Const) for i in items):
            values = tuple(i.value for i in items if isinstance(i, Const))
            if all(offer.type.problem(v) is None for v in values):
                return replace(offer, enum=values, nullable=False)
        case Operation(">=", (ref, Const(value))) | Operation("<=", (Const(value), ref)) if ref == me:
            if _is_number(offer, value):
                return replace(offer, min=value, nullable=False)
        case Operation("<=", (ref, Const(value))) | Operation(">=", (Const(value), ref)) if ref == me:
            if _is_number(offer, value):
                return replace(offer, max=value, nullable=False)
    return offer


def _is_number(offer: Offer, value: Any) -> bool:
    return offer.type.shape == "number" and offer.type.problem(value) is None
