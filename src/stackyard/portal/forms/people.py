"""Forms for people and their roles."""

from typing import Any

from django import forms
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm, UserCreationForm
from django.contrib.auth.models import User

from stackyard.cmdb.models import ApiToken, Membership, Role
from stackyard.cmdb.validators import plain_text
from stackyard.portal.forms.look import TablerMixin


class _Names(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """First and last name are shown everywhere, so they are plain text."""

    def clean_first_name(self) -> str:
        """Refuse characters that deceive."""
        return _plain(self.cleaned_data["first_name"])

    def clean_last_name(self) -> str:
        """Refuse characters that deceive."""
        return _plain(self.cleaned_data["last_name"])


def _plain(text: str) -> str:
    plain_text(text)
    return text


class PersonForm(TablerMixin, _Names):
    """Somebody who is known already."""

    class Meta:
        model = User
        fields = ["first_name", "last_name", "email", "is_active"]
        labels = {"is_active": "May sign in"}
        help_texts = {"is_active": "Switch this off instead of deleting: what a person did stays on record."}


class NewPersonForm(TablerMixin, UserCreationForm, _Names):  # type: ignore[type-arg]  # not generic at run time
    """Somebody new, with a first password."""

    class Meta:
        model = User
        fields = ["username", "first_name", "last_name", "email"]


class PasswordForm(TablerMixin, SetPasswordForm):  # type: ignore[type-arg]  # not generic at run time
    """A new password for somebody."""


class OwnPasswordForm(TablerMixin, PasswordChangeForm):
    """A new password for oneself; the old one first."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["old_password"].widget.attrs |= {"autocomplete": "current-password", "autofocus": False}
        for name in ("new_password1", "new_password2"):
            self.fields[name].widget.attrs["autocomplete"] = "new-password"


class RoleForm(TablerMixin, forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """One more role of a person."""

    class Meta:
        model = Membership
        fields = ["role", "department"]
        help_texts = {"department": "Empty for platform staff: they belong to all departments."}

    def clean(self) -> dict[str, Any]:
        """The two constraints of the model, told at the field."""
        data = super().clean() or self.cleaned_data
        role, department = data.get("role"), data.get("department")
        if role == Role.PLATFORM and department is not None:
            self.add_error("department", "Platform staff belong to all departments: leave this empty.")
        elif role and role != Role.PLATFORM and department is None and "department" not in self.errors:
            self.add_error("department", "Choose the department.")
        elif Membership.objects.filter(user=self.instance.user, department=department).exists():
            self.add_error("department", "This person has a role here already; remove that one first.")
        return data


class TokenForm(TablerMixin, forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A new API token."""

    class Meta:
        model = ApiToken
        fields = ["name"]
        help_texts = {"name": "What it is for, such as the name of the script."}
