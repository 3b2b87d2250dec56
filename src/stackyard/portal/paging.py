"""Paging without counting: one row more than a page is read, and tells whether there is a next page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

Row = TypeVar("Row", bound=Model)
SIZE = 25
# Far enough for people; beyond it the database would walk through rows that nobody asked for.
LAST = 2000


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows of one page; `number` counts from 1."""

    rows: Sequence[Row]
    number: int
    has_next: bool

    @property
    def first(self) -> int:
        """Position of the first row, counted from 1."""
        return (self.number - 1) * SIZE + 1

    @property
    def last(self) -> int:
        """Position of the last row."""
        return self.first + len(self.rows) - 1

    @property
    def previous(self) -> int:
        """The page before, 0 when this is the first."""
        return self.number - 1

    @property
    def next(self) -> int:
        """The page behind, 0 when this is the last."""
        return self.number + 1 if self.has_next else 0


def page_of(request: HttpRequest, rows: "QuerySet[Row, Any]") -> Page[Row]:
    """The page that `?page=` names; nonsense is the first page."""
    text = request.GET.get("page", "1")[:5]
    number = min(int(text), LAST) if text.isascii() and text.isdigit() and int(text) > 0 else 1
    start = (number - 1) * SIZE
    found = list(rows[start : start + SIZE + 1])
    return Page(found[:SIZE], number, len(found) > SIZE)
