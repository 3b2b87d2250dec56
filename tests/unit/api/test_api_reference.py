"""The API's page tells every operation and every kind of error."""

import re
from pathlib import Path
from typing import get_args

from stackyard.api.routes import api
from stackyard.api.shapes import ErrorCode

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "api.md").read_text()


def test_exactly_the_operations_that_there_are_are_documented() -> None:
    paths = api.get_openapi_schema(path_prefix="/api")["paths"]
    there = {f"{method.upper()} {path}" for path, item in paths.items() for method in item}
    documented = set(re.findall(r"^\| `([A-Z]+ /api/\S+)`", PAGE, flags=re.MULTILINE))
    assert documented == there


def test_every_error_code_is_documented() -> None:
    assert set(re.findall(r"^\| \d{3} \| `(\w+)`", PAGE, flags=re.MULTILINE)) == set(get_args(ErrorCode))


def test_every_filter_of_a_list_is_documented() -> None:
    for path, item in api.get_openapi_schema(path_prefix="/api")["paths"].items():
        if path in ("/api/products", "/api/sandboxes"):
            continue  # page and size, as all lists
        for method, operation in item.items():
            row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{method.upper()} {path}`"))
            queries = [p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"]
            assert [q for q in queries if f"`{q}`" not in row] == [], path
