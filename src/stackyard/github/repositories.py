"""The repositories whose issues are read and written: the installation's, and those that sandboxes name."""

from stackyard.cmdb.models import GithubIssue, GithubRequest, Sandbox
from stackyard.cmdb.models.environment import GONE
from stackyard.environments.issues import repository_of
from stackyard.settings import Settings


def repositories(settings: Settings) -> list[str]:
    """All of them in lower case, the installation's first. Also one that nobody names any more, while an environment
    stands that is told there, or something is still to be written."""
    named = (repository_of(sandbox, settings) for sandbox in Sandbox.objects.exclude(issues="").only("issues"))
    told = GithubIssue.objects.exclude(repository="")
    lasting = (
        told.exclude(environment__status__in=GONE),
        told.filter(settled=False),
        GithubRequest.objects.filter(answered_at=None, pull=None).exclude(repository=""),
    )
    others = {*named, *(name for rows in lasting for name in rows.values_list("repository", flat=True).distinct())}
    own = settings.github_repository.lower()
    return [name for name in (own, *sorted(others - {own})) if name]
