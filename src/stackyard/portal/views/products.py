"""Products."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods

from stackyard.cmdb import rights
from stackyard.cmdb.models import Product
from stackyard.environments import listing
from stackyard.portal.forms.cmdb import ProductForm
from stackyard.portal.history import changes_of
from stackyard.portal.requests import Request
from stackyard.portal.views.register import Noun, form_page, list_page

PRODUCT = Noun("product", "products", ProductForm, ("name", "title", "department__title"))


@require_GET
def products(request: Request) -> HttpResponse:
    """The list."""
    return list_page(request, PRODUCT, Product.objects.select_related("department"))


@require_GET
def product(request: Request, name: str) -> HttpResponse:
    """One product with its environments and changes."""
    found = _get_product(request, name)
    context = {
        "product": found,
        "environments": listing.search(request.user, product=found.name)[:10],
        "may_act": rights.may_request(request.user, found.department),
        "changes": changes_of(found.history),
    }
    return render(request, "portal/cmdb/product.html", context)


def _get_product(request: Request, name: str) -> Product:
    return rights.find(request.user, Product.objects.select_related("department"), name=name)


@require_http_methods(["GET", "POST"])
def new_product(request: Request) -> HttpResponse:
    """Add one."""
    return form_page(request, PRODUCT)


@require_http_methods(["GET", "POST"])
def edit_product(request: Request, name: str) -> HttpResponse:
    """Change one."""
    return form_page(request, PRODUCT, _get_product(request, name))
