"""What the pages of departments, products and sandboxes have in common: list with search, form, history."""

from dataclasses import dataclass
from typing import Any, TypeVar

from django import forms
from django.contrib import messages
from django.db.models import Model, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render

from stackyard.cmdb import rights
from stackyard.portal.paging import page_of
from stackyard.portal.requests import Request, wants_fragment

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Noun:
    """One kind of row. `one` and `many` also name the pages in `portal.urls`: many, one, new-one, edit-one."""

    one: str
    many: str
    form: "type[forms.ModelForm[Any]] | None"
    search: tuple[str, ...]


def list_page(request: Request, noun: Noun, rows: "QuerySet[Row, Row]") -> HttpResponse:
    """Those rows that the person may see and that fit the search."""
    rows = rights.visible(request.user, rows)
    text = request.GET.get("q", "")[:200]
    for word in "".join(c if c.isprintable() else " " for c in text).split()[:5]:
        fits = Q()
        for name in noun.search:
            fits |= Q(**{f"{name}__icontains": word})
        rows = rows.filter(fits)
    context = {"page": page_of(request, rows), "noun": noun, "text": text}
    response = render(request, f"portal/cmdb/{noun.many if wants_fragment(request) else 'list'}.html", context)
    response.headers["Vary"] = "HX-Request, Cookie"
    return response


def form_page(request: Request, noun: Noun, row: Any = None) -> HttpResponse:
    """Add (without `row`) or edit; only for platform staff. Refused fields come back with what was typed."""
    rights.require_platform(request.user)
    assert noun.form is not None
    form = noun.form(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        messages.success(request, f"{saved} is saved.")
        return redirect(f"portal:{noun.one}", name=saved.name)
    context = {"form": form, "noun": noun, "row": row}
    return render(request, "portal/cmdb/form.html", context, status=422 if form.errors else 200)
