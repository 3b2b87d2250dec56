"""Forms for address pools and blocks. Their rules are those of `environments`, told at the fields."""

from typing import Any

from django import forms

from stackyard.environments.pools import VPC_PREFIXES, PoolRequest
from stackyard.portal.forms.look import ToldForm


class PoolForm(ToldForm):
    """A pool as it shall be."""

    name = forms.CharField(max_length=40, help_text="Lower-case letters, digits and hyphens.")
    block = forms.CharField(max_length=60, label="Addresses", help_text="An IPv4 block, such as 10.20.0.0/16.")
    reserved = forms.CharField(
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="Parts of it that are never given, one on each line.",
    )
    vpc_prefix = forms.TypedChoiceField(
        label="Block of a sandbox's network",
        coerce=int,
        choices=[(n, f"/{n}: {2 ** (32 - n):,} addresses") for n in VPC_PREFIXES],
        initial=20,
    )

    def request(self) -> PoolRequest:
        """What a valid form says."""
        data: dict[str, Any] = self.cleaned_data
        return PoolRequest(data["name"], data["block"], data["reserved"].split(), data["vpc_prefix"])


class NoteForm(ToldForm):
    """A block for somebody outside of Stackyard."""

    purpose = forms.CharField(max_length=120, label="Held by", help_text="Who has it, or what for.")
    block = forms.CharField(
        required=False,
        max_length=60,
        label="Block",
        help_text="Such as 10.20.64.0/20. Leave it empty for the lowest free block of the length below.",
    )
    length = forms.TypedChoiceField(
        label="Length",
        coerce=int,
        empty_value=None,
        required=False,
        choices=[("", "As the block says"), *((n, f"/{n}: {2 ** (32 - n):,} addresses") for n in range(16, 29))],
    )
