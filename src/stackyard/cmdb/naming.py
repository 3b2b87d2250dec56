"""Host names: the rule of a sandbox by which they are made, and what DNS and certificates allow."""

import re
from collections.abc import Mapping

PLACEHOLDERS = ("product", "environment", "department", "zone")

_PLACEHOLDER = re.compile(r"<([^<>]*)>")
# RFC 1123, section 2.1; lower case because DNS does not tell them apart.
_LABEL = re.compile(r"\A[a-z0-9]([a-z0-9-]*[a-z0-9])?\Z")
_MAX_LABEL, _MAX_NAME = 63, 253  # RFC 1035, section 2.3.4


def host_name(rule: str, values: Mapping[str, str]) -> str:
    """The rule with its placeholders filled. `values`: one for each of PLACEHOLDERS."""
    return _PLACEHOLDER.sub(lambda found: values[found[1]], rule)


def rule_problem(rule: str, *, deep: bool) -> str:
    """Why the rule is none; empty when it is one. `deep`: names may have more labels than the wildcard covers."""
    unknown = [name for name in _PLACEHOLDER.findall(rule) if name not in PLACEHOLDERS]
    known = ", ".join(f"<{name}>" for name in PLACEHOLDERS)
    if unknown:
        return f"There is no <{unknown[0][:40]}>; there are {known}."
    if not rule.endswith(".<zone>"):
        return "Must end in .<zone>: in other zones the sandbox cannot make records."
    names = rule.removesuffix(".<zone>")
    if "<zone>" in names:
        return "<zone> belongs at the end, once."
    if "<environment>" not in names:
        return "Must hold <environment>, or all environments of a product would have one name."
    labels = names.split(".")
    wrong = next((label for label in labels if not _LABEL.match(_PLACEHOLDER.sub("a", label))), None)
    if wrong is not None:
        return f"'{wrong[:60]}' is no part of a host name: use lower-case letters, digits and hyphens between dots."
    if len(labels) > 1 and not deep:
        return (
            "The sandbox's certificate covers one label before <zone>. Join the parts with hyphens, or allow deep "
            "names, for which patterns build certificates of their own."
        )
    return ""


def name_problem(fqdn: str) -> str:
    """Why this is no host name; empty when it is one."""
    if len(fqdn) > _MAX_NAME:
        return f"The host name would have {len(fqdn)} characters; DNS takes at most {_MAX_NAME}."
    for label in fqdn.split("."):
        if len(label) > _MAX_LABEL:
            return f"'{label[:20]}…' has {len(label)} characters; a part of a host name takes at most {_MAX_LABEL}."
        if not _LABEL.match(label):
            return "Use lower-case letters, digits and hyphens between the dots, no hyphen at an end."
    return ""
