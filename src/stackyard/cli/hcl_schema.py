"""`stackyard hcl schema`: what can be set in one file, without a pattern.yaml."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stackyard.errors import Unusable
from stackyard.patterns.from_locals import read_locals
from stackyard.patterns.from_variables import read_variables
from stackyard.patterns.manifest import Manifest
from stackyard.patterns.parameters import Parameter, make_parameters
from stackyard.patterns.positions import in_words
from stackyard.patterns.schema import json_schema


@dataclass(frozen=True)
class _Described:
    name: str
    version: str
    title: str
    parameters: tuple[Parameter, ...]


def schema_of(content: bytes, name: str) -> dict[str, Any]:
    """JSON Schema 2020-12 of the constants in the file's locals, or of its variables when it declares any.

    Raises Unusable when an annotation or a type cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="stackyard-") as scratch:
        folder = Path(scratch) / "module"
        folder.mkdir()
        file = folder / "main.tf"
        file.write_bytes(content)
        interface, kind = read_variables(folder), "variables.tf"
        if not interface.offers and not interface.troubles:
            interface, kind = read_locals(file), "locals.tf"
    if interface.troubles:
        raise Unusable(in_words(interface.troubles).replace("module/main.tf", name))
    manifest = Manifest(name="file", version="0.0.0", title=name, description="", interface=kind)  # type: ignore[arg-type]
    return json_schema(_Described(name, "0", name, make_parameters(interface, manifest)))
