"""Lists in pages."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from django.db.models import Model, QuerySet
from pydantic import Field

from stackyard.api.shapes import Page

Row = TypeVar("Row", bound=Model)
Item = TypeVar("Item")

PageNumber = Annotated[int, Field(ge=1, le=100_000)]
PageSize = Annotated[int, Field(ge=1, le=200)]


def page_of(rows: "QuerySet[Row, Row]", page: int, size: int, convert: Callable[[Row], Item]) -> Page[Any]:
    """The page-th `size` rows of an ordered query. A page past the end is empty."""
    first = (page - 1) * size
    return Page(items=[convert(row) for row in rows[first : first + size]], count=rows.count(), page=page, size=size)
