"""How Django's forms look in the portal."""

from typing import Any

from django import forms

from stackyard.errors import Invalid


def tabler(field: forms.Field) -> None:
    """Give a field Tabler's classes."""
    widget = field.widget
    if isinstance(widget, forms.CheckboxInput):
        widget.attrs["class"] = "form-check-input"
    elif isinstance(widget, forms.Select):
        widget.attrs["class"] = "form-select"
        if isinstance(field, forms.ModelChoiceField):
            field.empty_label = "Choose" if field.required else "None"
    else:
        widget.attrs["class"] = "form-control"
    if isinstance(widget, forms.Textarea):
        widget.attrs.setdefault("rows", 4)
    widget.attrs.setdefault("autocomplete", "off")


class TablerMixin:
    """Tabler's classes on the inputs; those of a refused field are marked."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            tabler(field)

    def full_clean(self) -> None:
        """Check, and mark what was refused."""
        super().full_clean()  # type: ignore[misc]  # of the form it is mixed into
        for name in getattr(self, "_errors", None) or {}:
            if name in self.fields:
                attrs = self.fields[name].widget.attrs
                attrs["class"] += " is-invalid"
                attrs["aria-invalid"] = "true"


class ToldForm(TablerMixin, forms.Form):
    """A form whose refusals come from outside."""

    def tell(self, error: Invalid) -> None:
        """Put each problem at its field."""
        for problem in error.problems:
            self.add_error(problem.field if problem.field in self.fields else None, problem.message)
        for name in self.errors:
            if name in self.fields:
                attrs = self.fields[name].widget.attrs
                attrs["class"] = f"{attrs['class'].replace(' is-invalid', '')} is-invalid"
                attrs["aria-invalid"] = "true"


def fix(form: Any, *names: str, reason: str) -> None:
    """Show fields but refuse to change them; Django then keeps the row's own values whatever is sent."""
    for name in names:
        form.fields[name].disabled = True
        form.fields[name].help_text = reason
