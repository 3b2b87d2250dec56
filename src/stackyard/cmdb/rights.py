"""Who may see and do what: the one place that decides. Pages and API ask here and nowhere else.

| | viewer | requester | platform |
|---|---|---|---|
| see own department's products, environments, runs | yes | yes | everything |
| create, change, destroy environments | no | own department | everywhere |
| plans that wait: approve | no | own department, unless a rule wants platform staff | everywhere |
| baselines of sandboxes: build, change, destroy | no | no | yes |
| departments, products, sandboxes: edit | no | no | yes |
| sandboxes: see | own department | own department | all |
| address pools of one's sandboxes, blocks of one's environments: see | own department | own department | all |
| address pools: edit; blocks: note as held by others | no | no | yes |

What a person may not see does not exist for them (NotFound); what they see but may not do is Forbidden.
"""

from typing import Any, TypeVar

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db import models
from django.db.models import Q, QuerySet

from stackyard.cmdb.models import (
    AddressBlock,
    AddressPool,
    Department,
    Environment,
    Membership,
    Notice,
    Product,
    Role,
    Run,
    Sandbox,
)
from stackyard.errors import Forbidden, NotFound, meant, shown

Person = AbstractBaseUser | AnonymousUser
NEAR_ONES = 2000
"""So many rows, the newest ones, are looked through for what a mistyped name may have meant."""

Row = TypeVar("Row", bound=models.Model)

_DEPARTMENT_OF = {
    Department: "pk",
    Product: "department",
    Sandbox: "department",
    Environment: "sandbox__department",
    Run: "sandbox__department",
    AddressPool: "sandboxes__department",
    AddressBlock: "environment__sandbox__department",
}


def _memberships(user: Person) -> list[Membership]:
    """The person's roles, read once per request: the list is kept on the user object, which lives that long."""
    if not getattr(user, "is_active", False) or user.pk is None:
        return []
    known: list[Membership] | None = getattr(user, "_stackyard_memberships", None)
    if known is None:
        known = list(Membership.objects.filter(user_id=user.pk))
        user._stackyard_memberships = known  # type: ignore[union-attr]
    return known


def is_platform(user: Person) -> bool:
    """True for platform staff. Django superusers count as such."""
    if getattr(user, "is_active", False) and getattr(user, "is_superuser", False):
        return True
    return any(m.role == Role.PLATFORM for m in _memberships(user))


def role_in(user: Person, department: Department | None) -> Role | None:
    """The person's role towards a department; None when they have nothing to do with it."""
    if is_platform(user):
        return Role.PLATFORM
    if department is None:
        return None
    return next((Role(m.role) for m in _memberships(user) if m.department_id == department.pk), None)


def may_request(user: Person, department: Department | None = None) -> bool:
    """May this person create and destroy environments, in `department` or (without it) anywhere at all?"""
    if is_platform(user):
        return True
    return any(
        m.role == Role.REQUESTER and (department is None or m.department_id == department.pk)
        for m in _memberships(user)
    )


def requesters(department: Department) -> "QuerySet[User, User]":
    """The people who may build and take away things for this department, beside platform staff; by name."""
    members = Membership.objects.filter(department=department, role=Role.REQUESTER)
    return User.objects.filter(is_active=True, memberships__in=members).order_by("username")


def visible(user: Person, rows: "QuerySet[Row, Row]") -> "QuerySet[Row, Row]":
    """Of `rows` those that this person may see; rows of any of the models that belong to departments."""
    if is_platform(user):
        return rows
    departments = [m.department_id for m in _memberships(user) if m.department_id is not None]
    seen = rows.filter(**{f"{_DEPARTMENT_OF[rows.model]}__in": departments})
    return seen.distinct() if rows.model is AddressPool else seen  # a pool has several sandboxes


def concerning(user: Person, notices: "QuerySet[Notice, Notice]") -> "QuerySet[Notice, Notice]":
    """Of these notices those that concern the person: what departments are told for which they may request; platform
    staff what is meant for them, and what is about environments of their own."""
    if is_platform(user):
        return notices.filter(Q(for_platform=True) | Q(environment__owner_id=user.pk))
    departments = [m.department_id for m in _memberships(user) if m.role == Role.REQUESTER]
    return notices.filter(environment__sandbox__department__in=departments, for_platform=False)


def find(user: Person, rows: "QuerySet[Row, Row]", **lookup: Any) -> Row:
    """The one row that the lookup names and this person may see; NotFound otherwise."""
    # PostgreSQL cannot hold NUL or lone surrogates in text, so nothing can be found by them.
    findable = all(str(v).isprintable() for v in lookup.values())
    row = visible(user, rows).filter(**lookup).first() if findable else None
    if row is None:
        what = ", ".join(shown(v) for v in lookup.values())
        near = nearest(user, rows, "name", lookup["name"]) if "name" in lookup else ""
        raise NotFound(f"There is no {rows.model._meta.verbose_name} '{what}' that you can see.", hint=near)
    return row


def nearest(user: Person, rows: "QuerySet[Row, Row]", field: str, text: str) -> str:
    """`Did you mean 'x'?` for the row that this person may see whose field is most like the text; else empty."""
    return meant(text, visible(user, rows).order_by("-pk").values_list(field, flat=True)[:NEAR_ONES])


def require_request(user: Person, department: Department) -> None:
    """Refuse unless the person may build and take away things for this department."""
    if not may_request(user, department):
        raise Forbidden(
            f"Your role does not allow this for {department.title}.",
            hint="Ask platform staff for the role 'requester' in this department.",
        )


def may_act_on(user: Person, environment: Environment) -> bool:
    """May this person change and destroy it? A baseline belongs to platform staff."""
    return is_platform(user) if environment.is_baseline else may_request(user, environment.department)


def require_act_on(user: Person, environment: Environment) -> None:
    """Refuse unless the person may change and destroy this environment, or this baseline."""
    if environment.is_baseline:
        require_platform(user)
    else:
        require_request(user, environment.department)


def may_approve(user: Person, run: Run) -> bool:
    """May this person approve the plan that the run waits with? Its rule says whom it needs (`runs.rules`)."""
    return is_platform(user) if run.approval_role == Role.PLATFORM else may_act_on(user, run.environment)


def require_approve(user: Person, run: Run) -> None:
    """Refuse unless the person may approve the run's plan."""
    if not may_approve(user, run):
        raise Forbidden("Only platform staff may approve this plan.", hint="They find it among their notices.")


def require_platform(user: Person) -> None:
    """Refuse unless the person is platform staff."""
    if not is_platform(user):
        raise Forbidden("Only platform staff may do this.")
