"""Where requests come in and environments are told on GitHub: the repository of a sandbox's issues."""

import re
from collections.abc import Iterator

from stackyard.cmdb.models import Sandbox
from stackyard.errors import Problem, shown
from stackyard.executors.options import NO_WAY, RULES
from stackyard.github_api.connection import has_credentials
from stackyard.settings import Settings, get_settings

NONE = "none"
"""What a sandbox says that wants no issues."""


def repository_of(sandbox: Sandbox, settings: Settings | None = None) -> str:
    """The repository whose issues are front door and log of a sandbox, in lower case; empty when it has none."""
    named = sandbox.issues or (settings or get_settings()).github_repository
    return "" if named == NONE else named.lower()


def elsewhere(sandbox: Sandbox) -> str:
    """Where to ask instead, for somebody who asks in the issues of another repository."""
    named = repository_of(sandbox)
    where = f"are those of {named}; ask there" if named else "do not exist; ask in Stackyard"
    return f"The issues of sandbox {sandbox.name} {where}."


def problems_of_issues(issues: str, settings: Settings) -> Iterator[Problem]:
    """What is wrong with a sandbox's choice."""
    if issues in ("", NONE):
        return
    if not re.fullmatch(RULES["repository"][0], issues, re.ASCII):
        said = f"'{shown(issues)}' is no repository: write owner/name, or {NONE}. Empty: as the installation has it."
        yield Problem("issues", said)
    elif not has_credentials(settings):
        yield Problem("issues", NO_WAY)
