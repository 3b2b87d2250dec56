"""Forms for departments and products. Their rules are the models' own (`full_clean`)."""

from typing import Any

from django import forms

from stackyard.cmdb.models import Department, Product
from stackyard.portal.forms.look import TablerMixin, fix


class DepartmentForm(TablerMixin, forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A department."""

    class Meta:
        model = Department
        fields = ["name", "title", "contact"]
        help_texts = {
            "name": "Lower-case letters, digits and hyphens. It is a folder in the record of environments' code.",
            "title": "As people read it.",
            "contact": "Whom to ask: an address or a channel.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            fix(self, "name", reason="Fixed: the record of environments' code is kept under it.")


class ProductForm(TablerMixin, forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A product."""

    class Meta:
        model = Product
        fields = ["department", "name", "title", "description"]
        help_texts = {
            "name": "Lower-case letters, digits and hyphens, at most 24. Host names of its environments begin with it.",
            "title": "As people read it.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            fix(self, "name", reason="Fixed: host names begin with it.")
            if self.instance.environments.exists():
                fix(self, "department", reason="Fixed: it has environments in its department's sandboxes.")
