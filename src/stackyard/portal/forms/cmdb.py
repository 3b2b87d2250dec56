"""Forms for departments, products and sandboxes. Their rules are the models' own (`full_clean`)."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from stackyard.cmdb.models import Department, Product, Sandbox
from stackyard.cmdb.validators import plain_text
from stackyard.portal.forms.look import TablerMixin, fix

MAX_FACTS = 20_000


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


class FactsField(forms.JSONField):
    """A flat JSON object: names to text, numbers, true/false or lists of text."""

    def to_python(self, value: Any) -> Any:
        """The object; ValidationError says what is not allowed."""
        if isinstance(value, str) and len(value) > MAX_FACTS:
            raise ValidationError(f"At most {MAX_FACTS} characters.")
        try:
            facts = super().to_python(value)
        except (RecursionError, ValueError):
            raise ValidationError("This is nested too deeply, or holds a number that is too long.") from None
        if facts is None:
            return {}
        if not isinstance(facts, dict):
            raise ValidationError('Write an object: {"vpc_id": "vpc-0123"}.')
        for name, fact in facts.items():
            plain_text(name)
            for part in fact if isinstance(fact, list) else [fact]:
                if isinstance(part, str):
                    plain_text(part)
                elif not isinstance(part, bool | int | float) or part != part or abs(part) > 1e15:
                    raise ValidationError(f"{name}: use text, a number, true/false or a list of these.")
        return facts

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was typed, as it was typed; Django would parse it once more, without the guards above."""
        return initial if self.disabled else data

    def prepare_value(self, value: Any) -> Any:
        """Pretty, unless it is what a person typed."""
        return value if isinstance(value, str) else json.dumps(value or {}, indent=2, ensure_ascii=False)


class SandboxForm(TablerMixin, forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A sandbox."""

    facts = FactsField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
        help_text="Ids of the common components, as JSON. Patterns need for example vpc_id, private_subnet_ids, "
        "cluster_arn, https_listener_arn, zone_id.",
    )

    class Meta:
        model = Sandbox
        fields = [
            "name",
            "department",
            "account_id",
            "region",
            "role_arn",
            "external_id",
            "zone_name",
            "emulated",
            "status",
            "max_environments",
            "max_parallel_runs",
            "facts",
        ]
        labels = {"account_id": "AWS account id", "role_arn": "Role", "zone_name": "DNS zone", "emulated": "Emulated"}
        help_texts = {
            "account_id": "Twelve digits.",
            "role_arn": "The role that Stackyard assumes in this account.",
            "external_id": "If the role's trust policy asks for one.",
            "zone_name": "Delegated to this account, for example dev.example.com.",
            "status": "Only a ready sandbox takes new environments.",
            "max_environments": "A load balancer takes 100 rules by default; each environment needs one.",
            "max_parallel_runs": "More wait in the queue.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and self.instance.environments.exists():
            names = ("name", "department", "account_id", "region", "zone_name", "emulated")
            fix(self, *names, reason="Fixed: environments were built here.")
