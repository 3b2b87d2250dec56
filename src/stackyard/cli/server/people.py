"""People and tokens, written from the server's own machine. Needs a Django that is set up."""

import re

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from stackyard.cmdb.models import ApiToken, Department, GithubLogin, Membership, Role
from stackyard.errors import Invalid, NotFound, Problem, shown


def add_person(name: str, password: str, role: str, department: str, email: str = "") -> User:
    """A new person with one role. Platform staff get Django's admin as well. Raises Invalid with every problem."""
    problems: list[Problem] = []
    user = User(username=name, email=email)
    try:
        user.full_clean(exclude=["password"])
    except ValidationError as error:
        fields = {"username": "name"}
        problems += [Problem(fields.get(f, f), m) for f, found in error.message_dict.items() for m in found]
    try:
        validate_password(password, user)
    except ValidationError as error:
        problems += [Problem("password", message) for message in error.messages]
    if role not in Role.values:
        problems.append(Problem("--role", f"Choose one of {', '.join(Role.values)}."))
    place = Department.objects.filter(name=department).first() if department.isprintable() else None
    if role == Role.PLATFORM and department:
        problems.append(Problem("--department", "Platform staff belong to no department."))
    elif role != Role.PLATFORM and place is None:
        known = ", ".join(Department.objects.values_list("name", flat=True)) or "none yet"
        problems.append(Problem("--department", f"There is no department '{shown(department)}'. Known: {known}."))
    if problems:
        raise Invalid(problems)
    with transaction.atomic():
        user.is_staff = user.is_superuser = role == Role.PLATFORM
        user.set_password(password)
        user.save()
        Membership.objects.create(user=user, department=place, role=role)
    return user


def issue(name: str, title: str) -> str:
    """A new token of that person, in clear. Raises NotFound and Invalid."""
    user = User.objects.filter(username=name).first() if name.isprintable() else None
    if user is None:
        raise NotFound(f"There is no person '{shown(name)}'.", hint="`stackyard user add` adds one.")
    try:
        ApiToken(user=user, name=title, digest="-").clean_fields()
    except ValidationError as error:
        raise Invalid([Problem("--title", message) for message in error.messages]) from None
    return ApiToken.issue(user, title)[1]


def known_as(name: str, login: str) -> None:
    """Write who somebody is on GitHub; an empty login takes it away. Raises NotFound and Invalid."""
    user = User.objects.filter(username=name).first() if name.isprintable() else None
    if user is None:
        raise NotFound(f"There is no person '{shown(name)}'.", hint="`stackyard user add` adds one.")
    if not login:
        for row in GithubLogin.objects.filter(user=user):
            row.delete()
        return
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,98}", login):  # with an underscore: managed users of Enterprise
        raise Invalid.field("login", f"'{shown(login)}' is no login on GitHub.")
    other = GithubLogin.objects.filter(login__iexact=login).exclude(user=user).select_related("user").first()
    if other is not None:
        raise Invalid.field("login", f"{login} is {other.user.username} already.")
    GithubLogin.objects.update_or_create(user=user, defaults={"login": login, "account": None})
