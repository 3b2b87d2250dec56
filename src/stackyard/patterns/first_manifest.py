"""The first `pattern.yaml` of an imported root module, as text."""

import re
from pathlib import Path
from typing import Any

import yaml

from stackyard.errors import shown

_HEADS = {
    "needs": "What a sandbox must have.",
    "interface": "Where the settings of this pattern are declared.",
    "replaces": "Blocks of the code that are left out, because Stackyard writes its own.",
    "fills": "Values that Stackyard fills, and from what. Guessed by name: check them.",
    "secrets": "Values that are made up once per environment, kept out of git, and handed to Terraform as variables.",
    "providers": "Further configurations of the AWS provider in the sandbox's account: alias and region.",
    "outputs": "Outputs that are kept in the CMDB, with the title they are shown under.",
    "components": "How resources are grouped for people: resource types, or beginnings of addresses.",
}


def manifest_text(manifest: dict[str, Any]) -> str:
    """A `pattern.yaml`, with a comment over each part."""
    parts = []
    for key, value in manifest.items():
        head = f"\n# {_HEADS[key]}\n" if key in _HEADS else ""
        parts.append(head + yaml.safe_dump({key: value}, sort_keys=False, allow_unicode=True, width=110))
    return "".join(parts)


def readme(folder: Path, name: str) -> tuple[str, str]:
    """Title and description of a root module out of its README, or from its name."""
    title = name.replace("-", " ").capitalize()
    file = folder / "README.md"
    text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
    if heading := re.search(r"^#\s+(\S.*)$", text, re.MULTILINE):
        title = shown(heading[1].strip(), 80)
        text = text[heading.end() :]
    paragraph = re.search(r"^(?![#\s|`!<\[-])[^\n]+(?:\n[^\n#|`]+)*", text, re.MULTILINE)
    described = " ".join(paragraph[0].split()) if paragraph else f"Imported from the root module {folder.name}."
    return title, shown(described, 300)
