"""`/api/products`, `/api/me`."""

from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja import Router

from stackyard.api.answers import answers
from stackyard.api.auth import person
from stackyard.api.paging import PageNumber, PageSize, page_of
from stackyard.api.shapes import Me, Page, ProductOut, RoleOut
from stackyard.cmdb import rights
from stackyard.cmdb.models import Membership, Product

router = Router()


@router.get("/products", response=answers(200, Page[ProductOut]), summary="List products", tags=["products"])
def list_products(request: HttpRequest, page: PageNumber = 1, size: PageSize = 50) -> Page[ProductOut]:
    """Your department's products, by name; all for platform staff."""
    user = person(request)
    rows = rights.visible(user, Product.objects.select_related("department")).order_by("name")
    return page_of(rows, page, size, lambda row: _product(user, row))


@router.get("/products/{product}", response=answers(200, ProductOut), summary="Show a product", tags=["products"])
def show_product(request: HttpRequest, product: str) -> ProductOut:
    """By name."""
    user = person(request)
    return _product(user, rights.find(user, Product.objects.select_related("department"), name=product))


@router.get("/me", response=answers(200, Me), summary="Show whose token this is", tags=["me"])
def show_me(request: HttpRequest) -> Me:
    """Your name and your roles."""
    user = person(request)
    memberships = Membership.objects.filter(user=user).select_related("department").order_by("pk")
    return Me(
        username=user.get_username(),
        full_name=user.get_full_name(),
        roles=[RoleOut(role=m.role, department=m.department.name if m.department else "") for m in memberships],
        platform=rights.is_platform(user),
        may_request=rights.may_request(user),
    )


def _product(user: User, row: Product) -> ProductOut:
    return ProductOut(
        name=row.name,
        title=row.title,
        description=row.description,
        department=row.department.name,
        may_request=rights.may_request(user, row.department),
    )
