"""The interface in `locals.tf`: every constant of its `locals` blocks."""

from pathlib import Path

from stackyard import hcl
from stackyard.patterns.annotations import NotAnAnnotation, read_comment
from stackyard.patterns.interface import Interface, Offer, line_of_annotation, parse_file, syntax_trouble
from stackyard.patterns.manifest import Overlay
from stackyard.patterns.positions import Trouble
from stackyard.patterns.types import plain, type_of_value


def read_locals(file: Path) -> Interface:
    """What `locals.tf` offers. A file that is not there, or not HCL, is a trouble."""
    where = f"{file.parent.name}/{file.name}"
    try:
        tree = parse_file(file)
    except FileNotFoundError:
        return Interface((), frozenset(), (Trouble(where, 0, "It is the pattern's interface, and it is missing."),))
    except hcl.HclError as error:
        return Interface((), frozenset(), (syntax_trouble(file, error),))
    offers: list[Offer] = []
    troubles: list[Trouble] = []
    for leaf in hcl.leaves(tree):
        if leaf.path[0] != "locals" or len(leaf.path) < 2:
            continue
        try:
            description, annotated = read_comment(leaf.comment)
        except NotAnAnnotation as error:
            troubles.append(Trouble(where, line_of_annotation(leaf.node, error.name), str(error)))
            description, annotated = leaf.comment, Overlay()
        default = plain(leaf.value)
        line = leaf.node.range.start.line
        offers.append(
            Offer(
                leaf.path[1:],
                type_of_value(default),
                default,
                description,
                where,
                line,
                nullable=default is None,
                annotated=annotated,
            )
        )
    paths = {hcl.format_path(path[1:]) for path, _ in tree.attributes() if path[0] == "locals"}
    return Interface(tuple(offers), frozenset(paths | {o.name for o in offers}), tuple(troubles))
