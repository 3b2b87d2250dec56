"""A workflow with which GitHub Actions deploys an application to its environment (docs/ci-cd.md)."""

import re
from dataclasses import dataclass
from pathlib import Path

from stackyard.cmdb.models import Environment
from stackyard.errors import Conflict, Unusable, shown

TEMPLATE = Path(__file__).with_name("deploy_workflow.yml")

# By commit, so that nobody can change what runs with our credentials.
ACTIONS = {
    "checkout": "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
    "credentials": "aws-actions/configure-aws-credentials@e6de054238d6b7531b4efff3b6587d9aade6a06c # v6.2.3",
}

NEEDED = {
    "repository": "ecr_repository_url",
    "cluster": "cluster_name",
    "service": "service_name",
    "container": "container_name",
}
"""Outputs of a pattern that can be deployed to."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*", re.ASCII)
"""Names of AWS and of branches. Anything else could mean something to YAML, to the shell or to GitHub."""


@dataclass(frozen=True)
class Workflow:
    """A file for the application's repository: `name` for `.github/workflows/`, and its text."""

    name: str
    text: str


def deployable(environment: Environment) -> bool:
    """Whether a service with images of its own stands, so that something can be deployed to it."""
    return not environment.is_gone and all(environment.outputs.get(name) for name in NEEDED.values())


def deploy_workflow(environment: Environment) -> Workflow:
    """The workflow for this environment, from its outputs. Conflict, with what to do, when there is nothing to deploy
    to, or no role to deploy with."""
    if environment.is_gone:
        raise Conflict(f"{environment.slug} is gone.")
    outputs = environment.outputs
    if not outputs:
        raise Conflict(f"{environment.slug} is not built yet.", hint="Ask again when it is ready.")
    missing = [output for output in NEEDED.values() if not outputs.get(output)]
    if missing:
        raise Conflict(
            f"Nothing is deployed to {environment.slug}: the pattern {environment.pattern.name} has no "
            f"{' and no '.join(missing)}.",
            hint=f"A pattern with a service and an image repository has the outputs {', '.join(NEEDED.values())}.",
        )
    if not outputs.get("deploy_role_arn"):
        raise Conflict(
            f"No repository may deploy to {environment.slug} yet.",
            hint="Name it in the setting github.repository, as in `stackyard env change "
            f"{environment.slug} --set github.repository=owner/name`. The sandbox has to let GitHub sign in, too: "
            "github.sign_in of its common components.",
        )
    return Workflow(f"deploy-{environment.slug}.yml", _filled(environment))


def _filled(environment: Environment) -> str:
    outputs, sandbox = environment.outputs, environment.sandbox
    values = {
        "slug": environment.slug,
        "account": sandbox.account_id,
        "region": sandbox.region,
        "role": outputs["deploy_role_arn"],
        "branch": outputs.get("deploy_branch") or "main",
        **{name: outputs[output] for name, output in NEEDED.items()},
    }
    for name, value in values.items():
        if not isinstance(value, str) or not _PLAIN.fullmatch(value):
            raise Unusable(f"{environment.slug}: {shown(value)} cannot be the {name} of a deployment.")
    application = environment.settings.get("github.repository") or "the application's repository"
    known = {**values, **ACTIONS, "application": shown(application)}
    return re.sub(r"@(\w+)@", lambda found: known[found[1]], TEMPLATE.read_text(encoding="utf-8"))
