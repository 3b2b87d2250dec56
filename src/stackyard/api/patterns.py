"""`/api/patterns`."""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from stackyard.api import convert
from stackyard.api.answers import answers
from stackyard.api.auth import person
from stackyard.api.shapes import PatternDetail, PatternList
from stackyard.cmdb import rights
from stackyard.patterns.catalogue import Catalogue
from stackyard.patterns.schema import json_schema

router = Router(tags=["patterns"])


@router.get("", response=answers(200, PatternList), summary="List patterns")
def list_patterns(request: HttpRequest) -> PatternList:
    """By title. `broken` is filled for platform staff only."""
    catalogue = Catalogue.from_settings()
    broken = catalogue.broken() if rights.is_platform(person(request)) else {}
    return PatternList(items=[convert.pattern_out(p) for p in catalogue.list()], broken=broken)


@router.get("/{pattern}", response=answers(200, PatternDetail), summary="Show a pattern")
def show_pattern(request: HttpRequest, pattern: str) -> PatternDetail:
    """With the parameters that may be set and its README in Markdown."""
    return convert.pattern_detail(Catalogue.from_settings().get(pattern))


@router.get("/{pattern}/schema", response=answers(200, dict[str, Any]), summary="Show a pattern's JSON Schema")
def show_schema(request: HttpRequest, pattern: str) -> dict[str, Any]:
    """JSON Schema 2020-12 of `settings` in a request for an environment: dotted path -> value."""
    return json_schema(Catalogue.from_settings().get(pattern))
