"""The two files that Stackyard writes beside a pattern's own: how AWS is reached, and where the state is kept."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from stackyard import hcl
from stackyard.patterns.reading import provider_path

# Every service that a shipped pattern or module talks to; the emulator answers for all of them at one address.
EMULATED_SERVICES = (
    "acm", "applicationautoscaling", "cloudformation", "cloudfront", "cloudwatch", "cloudwatchevents",
    "cloudwatchlogs", "codebuild", "ec2", "ecr", "ecs", "elasticache", "elb", "iam", "kms", "rds", "route53", "s3",
    "s3control", "secretsmanager", "servicediscovery", "sns", "sqs", "ssm", "sts", "wafv2",
)  # fmt: skip


class Reach(Protocol):
    """How AWS is reached for one environment."""

    @property
    def region(self) -> str: ...
    @property
    def role_arn(self) -> str: ...
    @property
    def external_id(self) -> str: ...
    @property
    def session_name(self) -> str: ...
    @property
    def emulated(self) -> bool: ...


@dataclass(frozen=True)
class Account:
    """Another account, by the role that opens it; `external_id` may be empty."""

    role_arn: str
    external_id: str


def backend_text(backend: str) -> str:
    """The backend block, empty on purpose: address and name of the state come by environment or `-backend-config`."""
    return hcl.format(f'# Written by Stackyard.\nterraform {{\n  backend "{backend}" {{}}\n}}\n')


def provider_text(
    reach: Reach, aliases: Mapping[str, str], *, default_tags: Mapping[str, str], accounts: Mapping[str, Account]
) -> str:
    """The provider blocks: region and role in the code; for an emulated sandbox the endpoint as a variable.

    `aliases` are further configurations of the same account in other regions: alias -> region; `accounts` those of
    other accounts: alias -> account. `default_tags` go on every resource, for patterns that do not do that themselves:
    the proof of deletion looks for them.
    """
    lines = ["# Written by Stackyard."]
    if reach.emulated:
        lines += [
            'variable "stackyard_endpoint" {',
            '  description = "Address of the AWS emulator."',
            "  type = string",
            "}",
            "",
        ]
    own = Account(reach.role_arn, reach.external_id)
    lines += _provider(reach, own, reach.region, default_tags)
    for alias, region in aliases.items():
        lines += ["", *_provider(reach, own, region, default_tags, alias)]
    for alias, account in accounts.items():
        lines += ["", *_provider(reach, account, reach.region, default_tags, alias)]
    return hcl.format("\n".join([*lines, ""]))


def _provider(
    reach: Reach, account: Account, region: str, default_tags: Mapping[str, str], alias: str = ""
) -> list[str]:
    token = hcl.tokens_for_value
    lines = ['provider "aws" {', *([f"  alias = {token(alias)}"] if alias else []), f"  region = {token(region)}", ""]
    if reach.emulated:
        lines += [
            "  # moto's buckets are paths, not host names; it has neither instance metadata nor real credentials.",
            "  s3_force_path_style = true",
            "  skip_credentials_validation = true",
            "  skip_metadata_api_check = true",
            "",
            "  endpoints {",
            *(f"    {service} = var.stackyard_endpoint" for service in EMULATED_SERVICES),
            "  }",
            "",
        ]
    role = [f"    role_arn = {token(account.role_arn)}", f"    session_name = {token(reach.session_name)}"]
    if account.external_id:
        role.append(f"    external_id = {token(account.external_id)}")
    lines += ["  assume_role {", *role, "  }"]
    if default_tags:
        tags = token(dict(default_tags), indent="    ")
        lines += ["", "  default_tags {", f"    tags = {tags}", "  }"]
    return [*lines, "}"]


def without_replaced(content: bytes, name: str, replaces: Iterable[str]) -> bytes:
    """A code file without the blocks that Stackyard writes itself: `provider.aws`, `provider.aws.ALIAS`,
    `terraform.backend.TYPE`, `terraform.cloud`."""
    file = hcl.File.parse(content, name)
    wanted = set(replaces)
    while (path := next(_own_blocks(file, wanted), None)) is not None:
        file = file.remove_block(path)
    return file.bytes()


def _own_blocks(file: hcl.File, wanted: set[str]) -> Iterator[hcl.Path]:
    """The paths of the wanted blocks, by type, labels and index, as `remove_block` takes them."""
    counts: dict[tuple[str, ...], int] = {}
    for block in file.body.blocks:
        place = (block.type, *block.labels)
        index = counts.get(place, 0)
        counts[place] = index + 1
        path: hcl.Path = (*place, index)
        if provider_path(block) in wanted:
            yield path
        for inner in block.body.blocks if block.type == "terraform" else ():
            if hcl.format_path(("terraform", inner.type, *inner.labels)) in wanted:
                yield (*path, inner.type, *inner.labels)
