"""Address pools: how full they are, and who holds what."""

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from stackyard.cmdb import rights
from stackyard.cmdb.models import AddressPool
from stackyard.environments.addresses import (
    find_pool,
    free_space,
    held_blocks,
    note_block,
    parse_block,
    pools,
    release_noted,
)
from stackyard.environments.pools import create_pool, delete_pool, edit_pool
from stackyard.errors import Conflict, Invalid
from stackyard.portal.forms.addresses import NoteForm, PoolForm
from stackyard.portal.history import changes_of
from stackyard.portal.paging import page_of
from stackyard.portal.pool_bar import WIDTH, bar_of
from stackyard.portal.requests import Request, wants_fragment
from stackyard.runs.addresses import as_csv


@require_GET
def addresses(request: Request) -> HttpResponse:
    """All pools that the person may see, each as a bar."""
    page = page_of(request, pools(request.user))
    return render(
        request, "portal/addresses/list.html", {"page": page, "pools": [_look(request, p) for p in page.rows]}
    )


@require_GET
def pool(request: Request, name: str) -> HttpResponse:
    """One pool with its blocks; for htmx the rows."""
    found = find_pool(request.user, name)
    text = request.GET.get("q", "")[:200]
    rows = held_blocks(request.user).filter(pool=found)
    for word in "".join(c if c.isprintable() else " " for c in text).split()[:5]:
        rows = _fitting(rows, word)
    context = {"pool": found, "page": page_of(request, rows), "text": text}
    if not wants_fragment(request):
        context |= _look(request, found)
        context["sandboxes"] = rights.visible(request.user, found.sandboxes.order_by("name"))
        context["changes"] = changes_of(found.history)
    response = render(request, f"portal/addresses/{'rows' if wants_fragment(request) else 'pool'}.html", context)
    response.headers["Vary"] = "HX-Request, Cookie"
    return response


@require_http_methods(["GET", "POST"])
def new_pool(request: Request) -> HttpResponse:
    """Add one."""
    rights.require_platform(request.user)
    form = PoolForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = create_pool(request.user, form.request())
        except Invalid as error:
            form.tell(error)
        else:
            messages.success(request, f"Pool {made} is saved.")
            return redirect("portal:address-pool", name=made.name)
    return _form(request, form, None, "New address pool", "Save")


@require_http_methods(["GET", "POST"])
def edit(request: Request, name: str) -> HttpResponse:
    """Change one."""
    found = find_pool(request.user, name)
    rights.require_platform(request.user)
    now = {"name": name, "block": found.block, "reserved": "\n".join(found.reserved), "vpc_prefix": found.vpc_prefix}
    form = PoolForm(request.POST or None, initial=now)
    if request.method == "POST" and form.is_valid():
        try:
            edit_pool(request.user, found, form.request())
        except Invalid as error:
            form.tell(error)
        else:
            messages.success(request, f"Pool {found} is saved.")
            return redirect("portal:address-pool", name=found.name)
    return _form(request, form, name, f"Edit pool {name}", "Save")


@require_POST
def delete(request: Request, name: str) -> HttpResponse:
    """Take a pool away that nothing needs."""
    delete_pool(request.user, find_pool(request.user, name))
    messages.success(request, f"Pool {name} is gone.")
    return redirect("portal:addresses")


@require_http_methods(["GET", "POST"])
def note(request: Request, name: str) -> HttpResponse:
    """Note a block that is held outside of Stackyard."""
    found = find_pool(request.user, name)
    rights.require_platform(request.user)
    form = NoteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            block = note_block(
                request.user, found, purpose=data["purpose"], wanted=data["block"].strip(), prefix=data["length"]
            )
        except Invalid as error:
            form.tell(error)
        except Conflict as error:
            form.add_error("length", error.message)
        else:
            messages.success(request, f"{block.block} is held: {block.purpose}.")
            return redirect("portal:address-pool", name=name)
    return _form(request, form, name, f"Note a block of pool {name}", "Note it")


@require_POST
def release(request: Request, name: str, block_id: int) -> HttpResponse:
    """Give back a block that was held outside of Stackyard."""
    block = rights.find(request.user, held_blocks(request.user), pk=block_id)
    release_noted(request.user, block)
    messages.success(request, f"{block.block} is free again.")
    return redirect("portal:address-pool", name=name)


@require_GET
def as_file(request: Request) -> HttpResponse:
    """All held blocks that the person may see, as CSV."""
    response = HttpResponse(as_csv(held_blocks(request.user)), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="cidr.csv"'
    return response


def _look(request: Request, found: AddressPool) -> dict[str, Any]:
    seen = set(held_blocks(request.user).filter(pool=found).values_list("pk", flat=True))
    space = free_space(found)
    return {
        "pool": found,
        "space": space,
        "numbers": {name: f"{getattr(space, name):,}" for name in ("total", "given", "reserved", "free")},
        "bar": bar_of(space, seen),
        "width": WIDTH,
        "percent": 100 * space.given // max(space.total - space.reserved, 1),
    }


def _fitting(rows: Any, word: str) -> Any:
    """A word is an address, a block or a part of a name."""
    try:
        return rows.filter(block__overlap=parse_block(word if "/" in word else f"{word}/32", "block"))
    except Invalid:
        return rows.filter(Q(purpose__icontains=word) | Q(environment__slug__icontains=word))


def _form(request: Request, form: Any, name: str | None, heading: str, action: str) -> HttpResponse:
    context = {"form": form, "name": name, "heading": heading, "action": action}
    return render(request, "portal/addresses/form.html", context, status=422 if form.errors else 200)
