"""What the files of a pattern offer before `pattern.yaml` narrows it: one `Offer` for each value that can be set."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from stackyard import hcl
from stackyard.patterns.manifest import Manifest, Overlay, Scalar
from stackyard.patterns.positions import Trouble
from stackyard.patterns.types import Type


@dataclass(frozen=True)
class Rule:
    """A `validation` of a variable. `condition` is HCL as it is written, `message` the pattern's own words."""

    variable: str
    condition: str
    message: str


@dataclass(frozen=True)
class Offer:
    """One value of the interface, by its path below `locals` or below the variables.

    `required`: there is no default, so that somebody has to give one. `annotated`: what its comment says beside help.
    """

    path: hcl.Path
    type: Type
    default: Any
    description: str
    file: str
    line: int
    required: bool = False
    nullable: bool = False
    secret: bool = False
    enum: tuple[Scalar, ...] = ()
    min: float | None = None
    max: float | None = None
    annotated: Overlay = field(default_factory=Overlay)
    rules: tuple[Rule, ...] = ()

    @property
    def name(self) -> str:
        """The path as it is written in settings and in `pattern.yaml`."""
        return hcl.format_path(self.path)


@dataclass(frozen=True)
class Interface:
    """All offers of a pattern's files, in their order, and what is wrong with those files.

    `paths` is every path that exists, also those of values which are no constants.
    """

    offers: tuple[Offer, ...]
    paths: frozenset[str]
    troubles: tuple[Trouble, ...] = ()

    def named(self, name: str) -> list[Offer]:
        """The offers at a path, or below it."""
        return [o for o in self.offers if is_below(o.name, name)]


def is_below(path: str, above: str) -> bool:
    """Whether `path` is `above`, or lies in it."""
    return path == above or path.startswith((f"{above}.", f"{above}["))


def bare(path: str) -> str:
    """A path of `pattern.yaml` without the word that Terraform would put before it."""
    return path.removeprefix("locals.").removeprefix("var.")


def terraform_files(folder: Path) -> list[Path]:
    """The code files of a root module. Terraform reads override files last, and merges them: they declare nothing."""
    return [f for f in sorted(folder.glob("*.tf")) if not re.search(r"(^|_)override\.tf$", f.name)]


def parse_file(file: Path) -> hcl.File:
    """A code file; errors name it as `folder/file`. Raises hcl.HclError, OSError."""
    return hcl.File.parse(file.read_bytes(), f"{file.parent.name}/{file.name}")


def syntax_trouble(file: Path, error: Exception) -> Trouble:
    """An error of the parser as a trouble."""
    line = error.line if isinstance(error, hcl.HclSyntaxError) else 0
    said = f"{error.summary}. {error.expected}" if isinstance(error, hcl.HclSyntaxError) else str(error)
    return Trouble(f"{file.parent.name}/{file.name}", line, said)


def line_of_annotation(node: hcl.Expression | hcl.Block, name: str) -> int:
    """The line of `@name` in the comment that belongs to a node."""
    last = node.range.start.line
    lines = node.source.text.split("\n")
    return next((i for i in range(last, 0, -1) if f"@{name}" in lines[i - 1]), last)


def overlaid(offers: Iterable[Offer], manifest: Manifest) -> Iterator[tuple[Offer, Overlay]]:
    """Each offer with what narrows it: its annotations, and over them its entry in `pattern.yaml`."""
    entries: Mapping[str, Overlay] = {bare(path): overlay for path, overlay in manifest.parameters.items()}
    for offer in offers:
        said = entries.get(offer.name, Overlay())
        merged = offer.annotated.model_dump(exclude_unset=True) | said.model_dump(exclude_unset=True)
        yield replace(offer, annotated=Overlay()), Overlay.model_validate(merged)
