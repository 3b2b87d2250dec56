"""What a sandbox may say of its executor: names of what it uses, where they are not the usual ones."""

import re
from collections.abc import Iterator, Mapping

from stackyard.aws.builds import BuildPlace
from stackyard.aws.sessions import SandboxAccess
from stackyard.errors import Problem, shown
from stackyard.executors import codebuild, github_actions
from stackyard.github_api.connection import has_credentials
from stackyard.settings import Settings

RULES: Mapping[str, tuple[str, str]] = {
    "packages": (r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "Write the name of a bucket."),
    "results": (r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "Write the name of a bucket."),
    "pipeline": (r"[\w.@-]{1,100}", "Write the name of a pipeline of CodePipeline."),
    "repository": (
        r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/(?!\.\.?$)[\w.-]{1,100}",
        "Write a repository of GitHub as owner/name.",
    ),
    "workflow": (r"[\w.-]{1,100}\.ya?ml", "Write the name of a file in .github/workflows, such as job.yml."),
    "ref": (r"\w[\w./-]{0,199}", "Write a branch or a tag."),
}
NO_WAY = (
    "Stackyard has no way into GitHub: set STACKYARD_GITHUB_TOKEN, or STACKYARD_GITHUB_APP_ID and "
    "STACKYARD_GITHUB_APP_KEY, for worker and portal."
)
KNOWN: Mapping[str, tuple[str, ...]] = {
    "local": (),
    codebuild.NAME: codebuild.OPTIONS,
    github_actions.NAME: github_actions.OPTIONS,
}


def problems_of(executor: str, options: object, settings: Settings, access: SandboxAccess) -> Iterator[Problem]:
    """What is wrong with an executor and its options here, at the fields `executor` and `executor_options`. Of one that
    somebody registered nothing is known."""
    if not isinstance(options, Mapping):
        yield Problem("executor_options", "Write names and values.")
        return
    if executor in KNOWN:
        yield from (Problem("executor_options", text) for text in _wrong(executor, KNOWN[executor], options))
    if executor == github_actions.NAME:
        yield from _of_github(options, settings, access)


def _wrong(executor: str, known: tuple[str, ...], options: Mapping[str, object]) -> Iterator[str]:
    for name, value in options.items():
        if name not in known:
            yield f"{shown(name)}: The executor {executor} has {_listed(known)}."
        elif not isinstance(value, str) or not re.fullmatch(RULES[name][0], value, re.ASCII):
            yield f"{name}: {RULES[name][1]}"


def _listed(names: tuple[str, ...]) -> str:
    return f"the options {', '.join(names)}" if names else "no options"


def _of_github(options: Mapping[str, object], settings: Settings, access: SandboxAccess) -> Iterator[Problem]:
    if not has_credentials(settings):
        yield Problem("executor", NO_WAY)
    if not options.get("repository") and not settings.github_repository:
        yield Problem(
            "executor_options",
            "repository: Say which one has the workflow, as owner/name, or set STACKYARD_GITHUB_REPOSITORY.",
        )
    if options.get("packages") == BuildPlace.of(access, {}).packages:
        yield Problem("executor_options", "packages: What comes into this bucket starts builds of CodeBuild.")
