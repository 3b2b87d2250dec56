"""`/api/patterns`."""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from stackyard.api import convert
from stackyard.api.answers import answers
from stackyard.api.auth import person
from stackyard.api.shapes import PatternDetail, PatternList, TestReport
from stackyard.cmdb import rights
from stackyard.environments.versions import mark_tested, tested_at
from stackyard.patterns.catalogue import Catalogue
from stackyard.patterns.schema import json_schema

router = Router(tags=["patterns"])


@router.get("", response=answers(200, PatternList), summary="List patterns")
def list_patterns(request: HttpRequest) -> PatternList:
    """By title. `broken` is filled for platform staff only."""
    catalogue = Catalogue.from_settings()
    broken = catalogue.broken() if rights.is_platform(person(request)) else {}
    patterns = catalogue.list()
    tested = tested_at(patterns)
    return PatternList(items=[convert.pattern_out(p, tested.get(p.name)) for p in patterns], broken=broken)


@router.get("/{pattern}", response=answers(200, PatternDetail), summary="Show a pattern")
def show_pattern(request: HttpRequest, pattern: str) -> PatternDetail:
    """With the parameters that may be set and its README in Markdown."""
    found = Catalogue.from_settings().get(pattern)
    return convert.pattern_detail(found, tested_at([found]).get(found.name))


@router.get("/{pattern}/schema", response=answers(200, dict[str, Any]), summary="Show a pattern's JSON Schema")
def show_schema(request: HttpRequest, pattern: str) -> dict[str, Any]:
    """JSON Schema 2020-12 of `settings` in a request for an environment: dotted path -> value."""
    return json_schema(Catalogue.from_settings().get(pattern))


@router.post("/{pattern}/tested", response=answers(200, PatternDetail), summary="Keep a pattern's test report")
def keep_report(request: HttpRequest, pattern: str, report: TestReport) -> PatternDetail:
    """What `stackyard pattern test --json` printed. Platform staff only; 409 when the server has another content."""
    mark_tested(person(request), pattern, report.model_dump())
    return show_pattern(request, pattern)
