"""Lint: what of a pattern's files does not fit Stackyard, each finding with its place, its rule and what to do.

Only files are read here. What Terraform itself says (`validate`, `fmt`) is asked by the command line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stackyard import hcl
from stackyard.errors import StackyardError, Unusable
from stackyard.patterns.catalogue import read_pattern_folder
from stackyard.patterns.from_variables import own_values, variables_of
from stackyard.patterns.interface import bare, parse_file, syntax_trouble, terraform_files
from stackyard.patterns.manifest import Manifest, read_manifest
from stackyard.patterns.needs import ALWAYS, NEEDS
from stackyard.patterns.positions import Trouble, line_in, yaml_lines
from stackyard.patterns.reading import own_blocks, read_pattern

FACTS = {fact for facts in NEEDS.values() for fact in facts} | ALWAYS
MORE_FACTS = {"vpc_cidr", "public_subnet_ids", "alb_zone_id", "http_listener_arn", "zone_name"}
SOURCES = {"environment.name", "environment.fqdn", "environment.tags", "environment.exists",
           "environment.further_fqdns",
           "allocation.listener_rule_priority", "allocation.cidr"}  # fmt: skip
"""Sources of `fills`, beside the facts of a sandbox."""

_PLACE = re.compile(r"(?P<file>[^\s:;]+):(?P<line>\d+): (?P<message>.*)", re.DOTALL)


@dataclass(frozen=True)
class Finding:
    """One finding. `file` is `folder/file`; `line` 0: the file as a whole."""

    rule: str
    severity: Literal["error", "warning"]
    file: str
    line: int
    message: str
    fix: str

    @property
    def is_error(self) -> bool:
        """Whether the pattern cannot be used like this."""
        return self.severity == "error"


def lint(folder: Path, modules: Path) -> list[Finding]:
    """Everything found in the files of one pattern; `modules` is the folder of shared modules."""
    folder = folder.resolve()
    if not folder.is_dir():
        return [Finding("manifest", "error", folder.name, 0, "There is no such folder.", "Give a pattern's folder.")]
    found = list(_syntax(folder))
    try:
        manifest = read_manifest(folder / "pattern.yaml")
    except Unusable as error:
        return [*found, *_manifest(folder, error)]
    checks = _Checks(folder, manifest)
    found += [*checks.all()] if not found else []
    if not any(f.is_error for f in found):
        try:
            read_pattern_folder(folder, modules)
        except StackyardError as error:
            found.append(_at(checks.trouble(error.message, "name"), "unusable", error.hint or "Mend what it names."))
    return sorted(found, key=lambda f: (f.file, f.line, f.rule))


def _at(trouble: Trouble, rule: str, fix: str, severity: Literal["error", "warning"] = "error") -> Finding:
    return Finding(rule, severity, trouble.file, trouble.line, trouble.message, fix)


def _syntax(folder: Path) -> Iterator[Finding]:
    files = terraform_files(folder)
    if not files:
        yield Finding("syntax", "error", folder.name, 0, "There are no .tf files.", "Give a Terraform root module.")
    for file in files:
        try:
            parse_file(file)
        except hcl.HclError as error:
            yield _at(syntax_trouble(file, error), "syntax", "Write what was expected.")


def _manifest(folder: Path, error: Unusable) -> Iterator[Finding]:
    for part in error.message.split("; "):
        match = _PLACE.fullmatch(part)
        file, line, message = match.group("file", "line", "message") if match else ("", 0, part)
        yield Finding("manifest", "error", file or f"{folder.name}/pattern.yaml", int(line), message, error.hint)


@dataclass(frozen=True)
class _Checks:
    """Rules that hold the manifest against the code."""

    folder: Path
    manifest: Manifest

    def all(self) -> Iterator[Finding]:
        reading = read_pattern(self.folder, self.manifest)
        for trouble in reading.troubles:
            yield _at(trouble, "interface", "Correct it; docs/patterns.md tells what an interface may say.")
        if self.manifest.name != self.folder.name:
            message = f"The pattern is named '{self.manifest.name}', its folder '{self.folder.name}'."
            yield _at(self.trouble(message, "name"), "name", "Give both the same name.")
        yield from self.own_blocks()
        yield from self.outputs()
        yield from self.sources()
        yield from self.variables()
        for p in reading.parameters:
            offer = next(o for o in reading.interface.offers if o.name == p.path)
            where = Trouble(offer.file, offer.line, "")
            if p.default is not None and not p.locked and (why := p.check(p.default)):
                message = f"The default of {p.path} breaks its own rule: {why}"
                yield _at(Trouble(where.file, where.line, message), "default", "Change the default or the rule.")
            if p.secret and self.manifest.interface == "locals.tf":
                message = f"{p.path} is secret, but everything in locals.tf is kept in git."
                fix = "Make it a variable with `sensitive = true`."
                yield _at(Trouble(where.file, where.line, message), "secret-in-code", fix)

    def trouble(self, message: str, *path: object) -> Trouble:
        """A trouble at a key of pattern.yaml."""
        lines = yaml_lines(self.folder / "pattern.yaml")
        return Trouble(f"{self.folder.name}/pattern.yaml", line_in(lines, *path), message)

    def own_blocks(self) -> Iterator[Finding]:
        for path, file, block in own_blocks(self.folder):
            if path not in self.manifest.replaces:
                rule = "provider-block" if path.startswith("provider.") else "backend-block"
                message = f"Stackyard writes {path} itself, so there would be two."
                fix = f"Remove it, or name it in pattern.yaml: `replaces: [{path}]`."
                place = Trouble(f"{self.folder.name}/{file.name}", block.range.start.line, message)
                yield _at(place, rule, fix)
            elif (alias := path.removeprefix("provider.aws.")) != path and alias not in self.manifest.providers:
                message = f"{path} is left out, but pattern.yaml gives no region for `{alias}`."
                yield _at(self.trouble(message, "replaces"), "provider-block", f"Add `providers: {{{alias}: REGION}}`.")

    def outputs(self) -> Iterator[Finding]:
        there = {
            block.labels[0]
            for file in terraform_files(self.folder)
            for block in parse_file(file).body.blocks
            if block.type == "output" and block.labels
        }
        for name in self.manifest.outputs:
            if name not in there:
                yield _at(self.trouble(f"There is no output '{name}'.", "outputs", name), "output", "Add or remove it.")
        if not there:
            message = "There are no outputs: the CMDB will not know how the environment is reached."
            place = Trouble(f"{self.folder.name}/outputs.tf", 0, message)
            yield _at(place, "no-outputs", "Add outputs such as `url`.", "warning")

    def sources(self) -> Iterator[Finding]:
        if self.manifest.kind != "environment":
            return
        for path, source in self.manifest.fills.items():
            if source in SOURCES or source.removeprefix("sandbox.") in FACTS | MORE_FACTS:
                continue
            place = self.trouble(f"fills: '{source}' is no source that Stackyard knows.", "fills", path)
            if source.startswith("sandbox."):
                fix = "It works only in sandboxes whose facts have it; check the name."
                yield _at(place, "fill-source", fix, "warning")
            else:
                yield _at(place, "fill-source", f"Sources: {', '.join(sorted(SOURCES))}, sandbox.<fact>.")

    def variables(self) -> Iterator[Finding]:
        variables, _ = variables_of(self.folder)
        names = {v.name: v for v in variables}
        brought, _ = own_values(self.folder)
        for name in self.manifest.secrets:
            if name not in names:
                place = self.trouble(f"secrets: there is no variable '{name}'.", "secrets", name)
                yield _at(place, "secret", "Declare it, with `sensitive = true`.")
            elif not names[name].sensitive:
                message = f"{name} is a secret, but the variable is not `sensitive`: Terraform would print it."
                yield _at(Trouble(names[name].file, names[name].line, message), "secret", "Add `sensitive = true`.")
        for name, v in names.items():
            if name in brought and v.sensitive:
                message = f"{name} is sensitive, and its value lies in a file of the pattern."
                yield _at(Trouble(v.file, v.line, message), "secret-in-code", "Take it out; see `secrets`.")
            given = {*self.manifest.secrets, *brought, *(bare(path) for path in self.manifest.fills)}
            if self.manifest.interface == "locals.tf" and v.required and name not in given:
                message = f"Nobody gives the variable '{name}': the interface is locals.tf."
                yield _at(Trouble(v.file, v.line, message), "unset-variable", "Give it a default, or use `secrets`.")
