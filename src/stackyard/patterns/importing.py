"""Import: any Terraform root module becomes a pattern, as it is. Only `pattern.yaml` is written beside its files."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stackyard import hcl
from stackyard.errors import Conflict, Invalid, shown
from stackyard.patterns.catalogue import code_files
from stackyard.patterns.first_manifest import manifest_text, readme
from stackyard.patterns.from_locals import read_locals
from stackyard.patterns.from_variables import is_values_file, read_variables
from stackyard.patterns.guesses import NAMES, guess_components, guess_fills, guess_needs
from stackyard.patterns.interface import Interface, Offer, is_below, parse_file, syntax_trouble, terraform_files
from stackyard.patterns.manifest import NAME
from stackyard.patterns.positions import Trouble
from stackyard.patterns.reading import own_blocks

_LEFT_BEHIND = re.compile(r"\.tfstate|\.tfplan$|^crash\.log$|^pattern\.yaml$")
_OUTSIDE = re.compile(r"(?:\.\./)+(?:modules/)?(?P<name>[^/]+)/?")
_REPLACED = frozenset({"alias", "region", "profile", "version"})
"""Arguments of a provider block whose loss changes nothing: Stackyard's own block says the same."""


@dataclass(frozen=True)
class Imported:
    """What became of a root module: its folder, the first `pattern.yaml`, what was found, and what could not be used
    (or needs a look), with where and why."""

    folder: Path
    manifest: dict[str, Any]
    settings: tuple[str, ...]
    notes: tuple[Trouble, ...]


def import_pattern(source: Path, into: Path, modules: Path, name: str = "") -> Imported:
    """Copy the root module `source` to `into`/`name` and write its `pattern.yaml`. A module that lies there already is
    left where it is. `modules` is the folder of shared modules.

    Raises Invalid when it is no Terraform or has no usable name, Conflict when there is such a pattern already.
    """
    source = source.resolve()
    name = name or re.sub(r"[^a-z0-9]+", "-", source.name.lower()).strip("-")
    if not re.fullmatch(NAME, name):
        raise Invalid.field("--name", f"'{shown(name)}' cannot be the name of a pattern: small letters, digits and -.")
    _require_terraform(source)
    _require_no_links(source)
    folder = into.resolve() / name
    if (folder / "pattern.yaml").exists():
        raise Conflict(f"There is a pattern '{name}' in {into} already.", hint="Choose another name with --name.")
    if folder.exists() and folder != source:
        raise Conflict(f"{folder} is there already, and is not this module.", hint="Choose another name with --name.")
    draft = _Draft(source, modules, name)
    manifest = draft.manifest()
    if folder != source:
        for file in code_files(source):
            if not _LEFT_BEHIND.search(file.name):
                (folder / file.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, folder / file.relative_to(source))
    (folder / "pattern.yaml").write_text(manifest_text(manifest), encoding="utf-8")
    return Imported(folder, manifest, tuple(draft.settings), tuple(draft.notes))


def _require_no_links(source: Path) -> None:
    """A link could bring what lies elsewhere on this machine into every environment's code."""
    for file in sorted(source.rglob("*")):
        if file.is_symlink() and not any(part.startswith(".") for part in file.relative_to(source).parts):
            raise Invalid.field("DIR", f"{shown(file.relative_to(source))} is a link; put the file itself there.")


def _require_terraform(source: Path) -> None:
    files = terraform_files(source) if source.is_dir() else []
    if not files:
        raise Invalid.field("DIR", f"{source} holds no .tf files; give the folder of a Terraform root module.")
    for file in files:
        try:
            parse_file(file)
        except hcl.HclError as error:
            raise Invalid.field("DIR", str(syntax_trouble(file, error))) from None


class _Draft:
    """A first `pattern.yaml`, and the notes that come up on the way."""

    def __init__(self, source: Path, modules: Path, name: str) -> None:
        self.source, self.modules, self.name = source, modules, name
        self.trees = {file: parse_file(file) for file in terraform_files(source)}
        self.notes: list[Trouble] = []
        self.settings: list[str] = []

    def note(self, file: Path, line: int, message: str) -> None:
        self.notes.append(Trouble(f"{self.source.name}/{file.name}", line, message))

    def manifest(self) -> dict[str, Any]:
        which, interface = self.interface()
        fills = self.fills(interface)
        secrets = self.secrets(interface, which)
        given = [*fills, *secrets]
        self.settings = [o.name for o in interface.offers if not any(is_below(o.name, g) for g in given)]
        replaces, providers = self.replaced()
        self.left_out()
        title, description = readme(self.source, self.name)
        found: dict[str, Any] = {
            "name": self.name,
            "version": "1.0.0",
            "title": title,
            "description": description,
            "needs": guess_needs(fills.values()),
            "interface": which,
            "replaces": replaces,
            "fills": fills,
            "secrets": {name: {"length": 32} for name in secrets},
            "providers": providers,
            "outputs": self.outputs(),
            "components": guess_components(
                (b.labels[0] for _, b in self.blocks("resource")), (b.labels[0] for _, b in self.blocks("module"))
            ),
        }
        return {key: value for key, value in found.items() if value or key == "needs"}

    def blocks(self, type_: str) -> Iterator[tuple[Path, hcl.Block]]:
        for file, tree in self.trees.items():
            yield from ((file, block) for block in tree.body.blocks if block.type == type_ and block.labels)

    def interface(self) -> tuple[str, Interface]:
        """Variables, if there are any that a person could set; else the constants of `locals.tf`."""
        variables = read_variables(self.source)
        constants = read_locals(self.source / "locals.tf")
        if any(not o.secret for o in variables.offers) or not constants.offers:
            which, chosen = "variables.tf", variables
        else:
            which, chosen = "locals.tf", constants
        self.notes += chosen.troubles
        if not chosen.offers:
            self.note(self.source / "variables.tf", 0, "Nothing can be set: no variable, no constant in locals.tf.")
        for offer in chosen.offers:
            if offer.type.shape == "any":
                self.note_offer(offer, "has no type, so it is asked for as text; give the variable a type")
        return which, chosen

    def note_offer(self, offer: Offer, message: str) -> None:
        self.notes.append(Trouble(offer.file, offer.line, f"`{offer.name}` {message}."))

    def fills(self, interface: Interface) -> dict[str, str]:
        fills, unfit = guess_fills(interface.offers)
        for offer, why in unfit:
            self.note_offer(offer, f"is not filled by Stackyard: it {why}")
        if "environment.name" not in fills.values():
            message = f"No value takes the environment's name ({', '.join(NAMES[:3])}, …): two environments of this "
            self.note(self.source / "pattern.yaml", 0, message + "pattern in one account may collide. See `fills`.")
        if "environment.tags" in fills.values():
            for file, block in self.blocks("resource"):
                if block.labels[0].startswith("aws_") and block.body.attribute("tags") is None:
                    address = ".".join(block.labels)
                    message = f"{address} has no `tags`; the proof of deletion finds it by its name only."
                    self.note(file, block.range.start.line, message)
        return fills

    def secrets(self, interface: Interface, which: str) -> list[str]:
        """Secret text without a default: Stackyard makes it up."""
        offers = interface.offers if which == "variables.tf" else read_variables(self.source).offers
        found = []
        for offer in offers:
            if offer.secret and offer.required and offer.type.kind == "string":
                found.append(offer.name)
            elif offer.required and which == "locals.tf":
                self.note_offer(offer, "is a variable without a default, and nobody gives it; give it a default")
        return found

    def replaced(self) -> tuple[list[str], dict[str, str]]:
        """Blocks that Stackyard writes itself, and the further regions that they ask for."""
        replaces: list[str] = []
        providers: dict[str, str] = {}
        for path, file, block in own_blocks(self.source):
            line = block.range.start.line
            alias, region = (block.body.attribute(name) for name in ("alias", "region"))
            if alias is not None:
                if region is None or not region.expr.is_constant:
                    self.note(file, line, f"{path} is kept, but Stackyard does not know its region: write it as text.")
                    continue
                providers[path.removeprefix("provider.aws.")] = str(region.expr.value)
            replaces.append(path)
            self.note(file, line, f"{path} is left out of environments: Stackyard writes its own.")
            if block.type == "provider":
                lost = [a.name for a in block.body.attributes if a.name not in _REPLACED]
                for what in lost + [b.type for b in block.body.blocks]:
                    self.note(file, line, f"{path}: `{what}` is lost with it.")
        return sorted(set(replaces)), providers

    def left_out(self) -> None:
        """What Terraform knows and Stackyard does not."""
        for file in sorted(self.source.iterdir()):
            if file.name.endswith(".tf.json"):
                self.note(file, 0, "Files in JSON are used by Terraform, but no setting is read from them.")
            elif file.suffix == ".tfvars" and not is_values_file(file.name):
                self.note(file, 0, "Terraform does not read this file by itself; its values are not used.")
        for file, block in self.blocks("module"):
            where = block.body.attribute("source")
            place = str(where.expr.value) if where is not None and where.expr.is_constant else ""
            match = _OUTSIDE.fullmatch(place)
            if place.startswith("../") and not (match and (self.modules / match["name"]).is_dir()):
                message = f"module.{block.labels[0]} lies outside, at {place}: copy it to {self.modules} first."
                self.note(file, block.range.start.line, message)

    def outputs(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for file, block in self.blocks("output"):
            sensitive = block.body.attribute("sensitive")
            if sensitive is not None and sensitive.expr.text.strip() == "true":
                self.note(
                    file, block.range.start.line, f"output.{block.labels[0]} is sensitive: the CMDB does not keep it."
                )
            else:
                found[block.labels[0]] = block.labels[0].replace("_", " ").capitalize()
        if not found:
            self.note(self.source / "outputs.tf", 0, "There are no outputs: the CMDB will not know how to reach it.")
        return found
