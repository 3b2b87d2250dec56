"""The form of a sandbox, and the block of its network. Their rules are those of `environments`, told at the fields."""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import yaml
from django import forms
from django.utils.html import escape

from stackyard.aws.own_components import GIVEN
from stackyard.cmdb.models import AddressPool, Department, Sandbox
from stackyard.environments.sandbox_rules import FIXED
from stackyard.environments.sandboxes import SandboxRequest, baseline_of, living
from stackyard.executors.options import KNOWN
from stackyard.executors.registry import names as executors
from stackyard.portal.forms.look import ToldForm, fix, tabler
from stackyard.settings import get_settings

FACT = "facts."
_TITLES = {
    "vpc_id": "VPC",
    "public_subnet_ids": "Public subnets",
    "private_subnet_ids": "Private subnets",
    "database_subnet_ids": "Database subnets",
    "cluster_arn": "ECS cluster",
    "alb_arn": "Load balancer",
    "https_listener_arn": "HTTPS listener",
    "zone_id": "Hosted zone",
    "certificate_arn": "Certificate",
}
_SECTIONS = (
    ("Account", ("name", "department", "account_id", "region", "role_arn", "external_id", "emulated")),
    ("Host names", ("zone_name", "fqdn_rule", "deep_names")),
    ("Delegation of the zone", ("parent_zone_id", "parent_role_arn", "parent_external_id")),
    ("Common components", ("pool", "own_baseline", *(FACT + name for name in GIVEN))),
    ("Rules", ("max_environments", "max_parallel_runs", "lifetime_days", "max_lifetime_days", "force_empty")),
    ("Runs", ("executor", "executor_options", "issues", "approvals")),
)
_HINTS = {
    "Delegation of the zone": "Leave it empty when somebody else makes the NS record in the parent zone.",
}


@dataclass(frozen=True)
class Section:
    """Fields below one heading."""

    title: str
    hint: str
    fields: tuple[Any, ...]


class SandboxForm(ToldForm):
    """A sandbox as it shall be."""

    name = forms.CharField(max_length=40, help_text="Lower-case letters, digits and hyphens, at most 32.")
    department = forms.ChoiceField(help_text="Whose environments are built here.")
    account_id = forms.CharField(max_length=20, label="AWS account id", help_text="Twelve digits.")
    region = forms.CharField(max_length=30, help_text="Such as eu-central-1.")
    role_arn = forms.CharField(
        max_length=600,
        label="Role",
        help_text="The role in this account that Stackyard takes, such as arn:aws:iam::111122223333:role/stackyard. "
        "What it needs is shown once the sandbox is saved.",
    )
    external_id = forms.CharField(
        max_length=120,
        required=False,
        help_text="The role's trust policy asks for it, so that nobody but Stackyard can take the role.",
    )
    emulated = forms.BooleanField(required=False, help_text="It lives on the bundled AWS emulator.")
    zone_name = forms.CharField(
        max_length=200,
        label="DNS zone",
        help_text="Host names of environments lie in it, such as shop.dev.example.com.",
    )
    fqdn_rule = forms.CharField(
        max_length=120,
        label="Rule for host names",
        initial="<product>-<environment>.<zone>",
        help_text="Of &lt;product&gt;, &lt;environment&gt;, &lt;department&gt; and &lt;zone&gt;.",
    )
    deep_names = forms.BooleanField(
        required=False,
        label="Names may have more labels than the wildcard certificate covers",
        help_text="Environments with such a name get a certificate of their own.",
    )
    parent_zone_id = forms.CharField(
        max_length=40, required=False, label="Parent zone", help_text="Id of the hosted zone that delegates to it."
    )
    parent_role_arn = forms.CharField(
        max_length=600,
        required=False,
        label="Role for the parent zone",
        help_text="Empty: the sandbox's own role writes the NS record.",
    )
    parent_external_id = forms.CharField(max_length=120, required=False, label="External id of that role")
    pool = forms.ChoiceField(
        required=False, label="Address pool", help_text="Where the block of the sandbox's network comes from."
    )
    own_baseline = forms.BooleanField(
        required=False,
        label="The account has its own",
        help_text="Network, load balancer, cluster, zone and certificate are there already: name them, and Stackyard "
        "builds none.",
    )
    max_environments = forms.IntegerField(
        initial=50,
        label="Most environments",
        help_text="A load balancer takes 100 rules by default; each environment needs one.",
    )
    max_parallel_runs = forms.IntegerField(
        initial=4, label="Runs at a time", help_text="Further ones wait in the queue."
    )
    lifetime_days = forms.IntegerField(initial=30, label="Usual lifetime, days")
    max_lifetime_days = forms.IntegerField(
        initial=90,
        label="Longest lifetime, days",
        help_text="Owners may extend up to this, counted from the day they do.",
    )
    force_empty = forms.BooleanField(
        required=False,
        initial=True,
        label="Destroying empties buckets and image repositories",
        help_text="When off, an environment is not destroyed while something is in them.",
    )

    executor = forms.ChoiceField(
        required=False,
        initial="local",
        help_text="Where Terraform runs for environments that are created from now on; local is beside the worker.",
    )
    executor_options = forms.CharField(
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "font-monospace"}),
        label="Options of the executor",
        help_text="In YAML, one name per line, such as <code>repository: acme/environments</code>. "
        + " ".join(f"{name} takes {', '.join(options)}." for name, options in KNOWN.items() if options)
        + " Empty: as Stackyard is set up.",
    )
    issues = forms.CharField(
        required=False,
        max_length=140,
        label="Repository of its issues",
        help_text="Whose issues on GitHub ask for environments here and tell of them: owner/name, or none. Empty: as "
        "Stackyard is set up. An environment stays with the issue that it has.",
    )
    approvals = forms.CharField(
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "class": "font-monospace"}),
        label="Rules for approvals",
        help_text="In YAML, one rule per item, such as <code>- {kinds: [create], role: platform}</code> or "
        "<code>- {types: [aws_db_*], actions: [replace], note: Data}</code>. Whether something may be taken away is "
        "always asked.",
    )

    def __init__(self, posted: Any = None, *, sandbox: Sandbox | None = None) -> None:
        super().__init__(posted, initial=_initial(sandbox))
        self._choices("department", Department.objects.order_by("title").values_list("name", "title"), "Choose")
        pools = AddressPool.objects.order_by("name")
        self._choices("pool", ((p.name, f"{p.name} ({p.block})") for p in pools), "None")
        self.fields["executor"].choices = [(name, name) for name in executors()]  # type: ignore[attr-defined]
        if sandbox is None and posted is None and len(pools) == 1:
            self.initial["pool"] = pools[0].name
        for name, (_, example) in GIVEN.items():
            field = forms.CharField(max_length=2000, required=False, label=_TITLES[name], help_text=escape(example))
            self.fields[FACT + name] = field
            tabler(field)
        # Left empty they are refused together with all else, by the one who knows the rules.
        for given in self.fields.values():
            if given.required and not isinstance(given, forms.IntegerField):
                given.required, given.needed = False, True  # type: ignore[attr-defined]
        if not get_settings().aws_endpoint and not (sandbox and sandbox.emulated):
            del self.fields["emulated"]
        if sandbox is not None and (baseline_of(sandbox) or living(sandbox).exists()):
            facts = ("own_baseline", *(FACT + name for name in GIVEN))
            names = [*(name for name in FIXED if name in self.fields), *facts]
            fix(self, *names, reason="Fixed while something stands in this sandbox.")

    def _choices(self, name: str, choices: Iterable[tuple[str, str]], empty: str) -> None:
        field: Any = self.fields[name]
        field.choices = [("", empty), *choices]

    @property
    def sections(self) -> list[Section]:
        """The fields as they stand on the page; those of the account's own components in one of their own."""
        return [
            Section(title, _HINTS.get(title, ""), tuple(self[name] for name in names if name in self.fields))
            for title, names in _SECTIONS
        ]

    def clean_approvals(self) -> list[dict[str, Any]]:
        """The rules as they are in YAML; what they may say is checked by who knows that."""
        rules = _yaml(self.cleaned_data["approvals"] or "[]")
        if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
            raise forms.ValidationError("Write a list of rules: each begins with a hyphen.")
        return rules

    def clean_executor_options(self) -> dict[str, Any]:
        """The options as they are in YAML; what they may be is checked by who knows that."""
        options = _yaml(self.cleaned_data["executor_options"] or "{}")
        if not isinstance(options, dict):
            raise forms.ValidationError("Write names and values: a name, a colon, the value.")
        return {str(name): value for name, value in options.items()}

    def request(self) -> SandboxRequest:
        """What a valid form says."""
        data: dict[str, Any] = dict(self.cleaned_data)
        data["executor"] = data["executor"] or "local"
        given = {name: data.pop(FACT + name).strip() for name in GIVEN}
        facts: dict[str, Any] | None = None
        if data.pop("own_baseline"):
            facts = {
                name: [part for part in re.split(r"[\s,]+", text) if part] if name.endswith("_ids") else text
                for name, text in given.items()
                if text
            }
        return SandboxRequest(**data, facts=facts)


def _initial(sandbox: Sandbox | None) -> dict[str, Any]:
    if sandbox is None:
        return {"external_id": secrets.token_urlsafe(18)}
    now = SandboxRequest.of(sandbox)
    values = {name: value for name, value in vars(now).items() if name != "facts"}
    given = {
        FACT + name: ", ".join(value) if isinstance(value, list | tuple) else value
        for name, value in (now.facts or {}).items()
    }
    rules = "".join(f"- {yaml.safe_dump(dict(r), default_flow_style=True, width=1000)}" for r in now.approvals)
    options = yaml.safe_dump(dict(now.executor_options)) if now.executor_options else ""
    told = {"approvals": rules, "executor_options": options}
    return {**values, **given, "own_baseline": sandbox.own_baseline, **told}


def _yaml(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise forms.ValidationError(f"This is not YAML{where}.") from None


class NetworkForm(ToldForm):
    """Where the network of a sandbox lies."""

    vpc_cidr = forms.CharField(
        required=False,
        max_length=60,
        label="Block of the network",
        help_text="Out of the sandbox's pool. Empty: the lowest block that is free there and in the account.",
    )
