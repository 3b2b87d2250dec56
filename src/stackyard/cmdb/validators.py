"""Rules for names and identifiers, shared by models, forms and API. Each message tells the rule."""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

# RFC 1123, section 2.1: letters, digits and hyphens, no hyphen at either end; lower case because DNS does not tell them
# apart.
DNS_LABEL = re.compile(r"\A[a-z]([a-z0-9-]{0,61}[a-z0-9])?\Z")

dns_label = RegexValidator(
    DNS_LABEL, "Use lower-case letters, digits and hyphens, starting with a letter and not ending with a hyphen."
)
account_id = RegexValidator(r"\A\d{12}\Z", "An AWS account id has exactly 12 digits.")
region = RegexValidator(r"\A[a-z]{2}(-[a-z]+)+-\d\Z", "Write an AWS region such as eu-central-1.")
role_arn = RegexValidator(
    r"\Aarn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,512}\Z", "Write a role ARN: arn:aws:iam::<account>:role/<name>."
)
zone_name = RegexValidator(
    r"\A(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}\Z",
    "Write a DNS zone such as dev.example.com, in lower case, without a dot at the end.",
)


def plain_text(value: str) -> None:
    """Refuse characters that no name or title needs and that deceive or break: controls, bidi marks, surrogates.

    PostgreSQL cannot hold NUL in text; bidirectional overrides make a text read otherwise than it is (CVE-2021-42574).
    """
    for char in value:
        if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn"} and char not in "\n\t":
            raise ValidationError(f"The character U+{ord(char):04X} is not allowed here.")
