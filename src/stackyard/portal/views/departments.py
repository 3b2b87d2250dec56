"""Departments."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods

from stackyard.cmdb import rights
from stackyard.cmdb.models import Department, Membership
from stackyard.portal.forms.cmdb import DepartmentForm
from stackyard.portal.history import changes_of
from stackyard.portal.requests import Request
from stackyard.portal.views.register import Noun, form_page, list_page

DEPARTMENT = Noun("department", "departments", DepartmentForm, ("name", "title", "contact"))


@require_GET
def departments(request: Request) -> HttpResponse:
    """The list."""
    return list_page(request, DEPARTMENT, Department.objects.all())


@require_GET
def department(request: Request, name: str) -> HttpResponse:
    """One department with its products, sandboxes, people and changes."""
    found = _get_department(request, name)
    members = Membership.objects.filter(department=found).select_related("user").order_by("user__username")
    context = {
        "department": found,
        "products": found.products.all()[:200],
        "sandboxes": found.sandboxes.all()[:200],
        "members": members[:200],
        "changes": changes_of(found.history),
    }
    return render(request, "portal/cmdb/department.html", context)


def _get_department(request: Request, name: str) -> Department:
    return rights.find(request.user, Department.objects.all(), name=name)


@require_http_methods(["GET", "POST"])
def new_department(request: Request) -> HttpResponse:
    """Add one."""
    return form_page(request, DEPARTMENT)


@require_http_methods(["GET", "POST"])
def edit_department(request: Request, name: str) -> HttpResponse:
    """Change one."""
    return form_page(request, DEPARTMENT, _get_department(request, name))
