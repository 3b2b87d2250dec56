"""Reading a pattern's folder: its interface, its parameters, and everything that does not fit together, with lines."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stackyard import hcl
from stackyard.errors import Unusable
from stackyard.patterns.from_locals import read_locals
from stackyard.patterns.from_variables import read_variables
from stackyard.patterns.interface import Interface, bare, is_below, line_of_annotation, parse_file, terraform_files
from stackyard.patterns.manifest import Manifest
from stackyard.patterns.parameters import Parameter, make_parameters, narrowing_troubles
from stackyard.patterns.positions import Trouble, in_words, line_in, yaml_lines


@dataclass(frozen=True)
class Reading:
    """What a pattern's files yield."""

    interface: Interface
    parameters: tuple[Parameter, ...]
    troubles: tuple[Trouble, ...]


def read_interface(folder: Path, manifest: Manifest) -> Interface:
    """The interface that the manifest names."""
    return read_variables(folder) if manifest.interface == "variables.tf" else read_locals(folder / "locals.tf")


def read_pattern(folder: Path, manifest: Manifest) -> Reading:
    """Interface and parameters, with all troubles; nothing is raised for them."""
    interface = read_interface(folder, manifest)
    parameters = make_parameters(interface, manifest)
    checks = _Checks(folder, manifest, interface, parameters)
    troubles = interface.troubles or tuple(checks.all())
    return Reading(interface, parameters, troubles)


def read_parameters(folder: Path, manifest: Manifest) -> tuple[Parameter, ...]:
    """The parameters of a pattern. Raises Unusable that names file and line of everything wrong."""
    reading = read_pattern(folder, manifest)
    if reading.troubles:
        raise Unusable(in_words(reading.troubles), hint="`stackyard pattern lint` tells more; see docs/patterns.md.")
    return reading.parameters


@dataclass(frozen=True)
class _Checks:
    """The manifest held against the files."""

    folder: Path
    manifest: Manifest
    interface: Interface
    parameters: tuple[Parameter, ...]

    def all(self) -> Iterator[Trouble]:
        yield from self.unknown_paths()
        yield from narrowing_troubles(self.parameters, self.at)
        yield from self.replaced()

    def manifest_trouble(self, message: str, *path: object) -> Trouble:
        lines = yaml_lines(self.folder / "pattern.yaml")
        return Trouble(f"{self.folder.name}/pattern.yaml", line_in(lines, *path), message)

    def unknown_paths(self) -> Iterator[Trouble]:
        files = self.manifest.interface
        parameters = {p.path for p in self.parameters}
        for path in self.manifest.parameters:
            if bare(path) not in parameters:
                filled = any(is_below(bare(path), bare(fill)) for fill in self.manifest.fills)
                why = "Stackyard fills it" if filled else f"it is not a constant in {self.folder.name}/{files}"
                if files == "variables.tf" and not filled:
                    why = f"no variable in {self.folder.name} has it"
                yield self.manifest_trouble(f"parameters: '{path}' cannot be set: {why}.", "parameters", path)
        for path in self.manifest.fills:
            if bare(path) not in self.interface.paths and not self.interface.named(bare(path)):
                yield self.manifest_trouble(f"fills: '{path}' is not in {self.folder.name}/{files}.", "fills", path)

    def at(self, parameter: Parameter, key: str) -> Trouble:
        """A trouble at a parameter's key: in `pattern.yaml` when it stands there, else at its annotation."""
        entry = next((p for p in self.manifest.parameters if bare(p) == parameter.path), None)
        if entry is not None and key in self.manifest.parameters[entry].model_fields_set:
            return self.manifest_trouble("", "parameters", entry, key)
        offer = next(o for o in self.interface.offers if o.name == parameter.path)
        return Trouble(offer.file, self._annotation_line(offer.file, offer.line, key), "")

    def _annotation_line(self, file: str, line: int, key: str) -> int:
        for leaf in hcl.leaves(parse_file(self.folder / Path(file).name)):
            if leaf.node.range.start.line == line:
                return line_of_annotation(leaf.node, key)
        return line

    def replaced(self) -> Iterator[Trouble]:
        there = {path for path, _, _ in own_blocks(self.folder)}
        for path in self.manifest.replaces:
            if path not in there:
                known = ", ".join(sorted(there)) or "none"
                yield self.manifest_trouble(
                    f"replaces: there is no '{path}' to leave out. Blocks that Stackyard writes: {known}.", "replaces"
                )


def own_blocks(folder: Path) -> Iterator[tuple[str, Path, hcl.Block]]:
    """The blocks of a root module that Stackyard writes itself, by their path: AWS providers, backends and `cloud`."""
    for file in terraform_files(folder):
        try:
            tree = parse_file(file)
        except hcl.HclError:
            continue
        for block in tree.body.blocks:
            if (name := provider_path(block)) is not None:
                yield name, file, block
            for inner in block.body.blocks if block.type == "terraform" else ():
                if inner.type in ("backend", "cloud"):
                    yield hcl.format_path(("terraform", inner.type, *inner.labels)), file, inner


def provider_path(block: hcl.Block) -> str | None:
    """`provider.aws`, or `provider.aws.ALIAS`; None for any other block."""
    if block.type != "provider" or block.labels != ("aws",):
        return None
    alias = block.body.attribute("alias")
    name = (str(alias.expr.value),) if alias is not None and alias.expr.is_constant else ()
    return hcl.format_path(("provider", "aws", *name))
