"""Where Terraform's state is, when that is a bucket in the account of the sandbox."""

import json
import re

from stackyard.aws.jobs import Buckets
from stackyard.cmdb.models import Environment, Sandbox
from stackyard.errors import Unusable
from stackyard.executors.registry import REMOTE
from stackyard.runs.context import RunContext, access_to
from stackyard.settings import Settings

LOCKS_BY_ITSELF = (1, 10)
"""The first version of Terraform and of OpenTofu whose `s3` backend locks with an object beside the state."""


def state_bucket(settings: Settings, sandbox: Sandbox) -> str:
    """The bucket: the setting's, else the one of the sandbox's baseline, else that of its builds. Unusable when there
    is none."""
    name = settings.state_bucket or str(sandbox.facts.get("state_bucket", ""))
    if not name and sandbox.executor in REMOTE:
        name = Buckets.of(access_to(sandbox, settings), sandbox.executor_options).results
    if not name:
        raise Unusable(
            f"Sandbox {sandbox.name} has no bucket for Terraform's state.",
            hint="Set `state.bucket` of its baseline, or STACKYARD_STATE_BUCKET.",
        )
    return name


def state_key(environment: Environment) -> str:
    """The object."""
    return f"stackyard/{environment.state_name}.tfstate"


def backend_arguments(ctx: RunContext) -> dict[str, str]:
    """What the empty backend block lacks, name -> value; nothing for `pg`, which takes it from its environment."""
    if ctx.environment.backend != "s3":
        return {}
    version = tuple(int(n) for n in re.findall(r"\d+", ctx.terraform.engine.version)[:2])
    role = {"role_arn": ctx.sandbox.role_arn}
    if ctx.sandbox.external_id:
        role["external_id"] = ctx.sandbox.external_id
    arguments = {
        "bucket": state_bucket(ctx.settings, ctx.sandbox),
        "key": state_key(ctx.environment),
        "region": ctx.sandbox.region,
        "encrypt": "true",
        "assume_role": _object(role),
    }
    if version >= LOCKS_BY_ITSELF:
        arguments["use_lockfile"] = "true"
    if ctx.access.emulated:
        endpoint = ctx.access.endpoint
        arguments |= {
            "endpoints": _object({"s3": endpoint, "sts": endpoint}),
            "use_path_style": "true",
            "skip_credentials_validation": "true",
            "skip_requesting_account_id": "true",
            "skip_metadata_api_check": "true",
        }
    return arguments


def _object(values: dict[str, str]) -> str:
    """An HCL object of texts that need no template escapes: ARNs, ids and addresses."""
    return "{" + ",".join(f"{name}={json.dumps(value)}" for name, value in values.items()) + "}"
