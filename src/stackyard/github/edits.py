"""Whether a text on GitHub is still what its author wrote: maintainers can edit anybody's, and the author's name stays.

What GitHub signed when it was written decides. Where only polling saw it, GitHub's GraphQL API tells the latest edit;
a server without that API leaves the times, and what they do not tell is refused.
"""

import hashlib

from stackyard.cmdb.models import GithubDelivery
from stackyard.errors import Conflict
from stackyard.github.client import SAME_MOMENT, Client, Comment, Edit, Issue
from stackyard.github.text import AGAIN


class Edited(Conflict):
    """The text is not, or may not be, what its author wrote."""


def digest_of(text: str) -> str:
    """What is kept of a text that GitHub signed. Line ends and blanks around it do not count."""
    return hashlib.sha256("\n".join(text.split("\r\n")).strip().encode(errors="replace")).hexdigest()


def signed(repository: str, key: str) -> GithubDelivery | None:
    """The first delivery that held the text `issue:<number>` or `comment:<id>`; None when only polling saw it."""
    return GithubDelivery.objects.filter(repository=repository, subject=key).order_by("pk").first()


def check_form(client: Client, issue: Issue) -> None:
    """Raises Edited when the issue does not hold what it was opened with: it must not run with its author's rights."""
    if (delivery := signed(issue.repository, f"issue:{issue.number}")) is not None:
        if delivery.text != digest_of(issue.body):
            raise _form_edited(issue, client.last_edit(issue.node))
        return
    edit = client.last_edit(issue.node)
    if edit is None and issue.updated_at - issue.at > SAME_MOMENT:
        raise Edited(f"It cannot be told whether it was edited since it was opened by {issue.author.login}.", hint=_ASK)
    if edit is not None and edit.at is not None:
        raise _form_edited(issue, edit)


def check_form_at(client: Client, issue: Issue, comment: Comment) -> None:
    """Raises Edited when the issue was edited after somebody commented that what stands there be done."""
    late = Edited("It was edited after that comment.", hint=_ASK)
    if (delivery := signed(client.home, f"comment:{comment.id}")) is not None and delivery.form:
        if delivery.form != digest_of(issue.body):
            raise late
        return
    edit = client.last_edit(issue.node)
    if edit is not None:
        if edit.at is not None and edit.at >= comment.at:
            raise late
    elif issue.author.account != comment.author.account and issue.updated_at - comment.at > SAME_MOMENT:
        raise Edited(f"It cannot be told whether it was edited after that comment. {issue.author.login} can ask.")


def check_comment(client: Client, comment: Comment) -> None:
    """Raises Edited when a comment is not what was written first."""
    if (delivery := signed(client.home, f"comment:{comment.id}")) is not None:
        edited, edit = delivery.text != digest_of(comment.body), None
    else:
        edit = None if comment.edited else client.last_edit(comment.node)
        edited = comment.edited or (edit is not None and edit.at is not None)
    if edited:
        raise Edited("An edited comment is not acted on.", hint="Write a new one.")


_ASK = f"Comment {AGAIN} to use what stands there now; it is done with the rights of whoever comments."


def _form_edited(issue: Issue, edit: Edit | None) -> Edited:
    by = f" by {edit.by}" if edit is not None and edit.by else ""
    return Edited(f"It was edited{by} since it was opened by {issue.author.login}.", hint=_ASK)
