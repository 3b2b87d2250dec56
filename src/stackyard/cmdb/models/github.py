"""What is known of GitHub: who is who, which issue logs which environment, what was asked there and what comes next."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from simple_history.models import HistoricalRecords

from stackyard.cmdb.models.environment import Environment


class GithubLogin(models.Model):
    """A person's account on GitHub. Platform staff write it; nobody claims one for themselves."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="github")
    login = models.CharField(max_length=100)
    # GitHub's number of the account, kept at its first use: a login that is given up can be taken by somebody else.
    account = models.BigIntegerField(null=True, blank=True, unique=True)
    history = HistoricalRecords()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("login"), name="one_person_per_github_login")]

    def __str__(self) -> str:
        return f"{self.login}: {self.user}"


class GithubIssue(models.Model):
    """The issue that logs an environment. What it should look like follows from the runs; here is how far it got."""

    environment = models.OneToOneField(Environment, on_delete=models.CASCADE, related_name="issue")
    # Whose issue it is, in lower case: that of its sandbox when it was first told. Empty: its sandbox had none then.
    repository = models.CharField(max_length=140, blank=True)
    # Empty: still to be opened.
    number = models.PositiveIntegerField(null=True, blank=True)
    # A person opened it with a form: its title and text are theirs.
    from_form = models.BooleanField(default=False)
    # The comment that tells how it stands.
    comment = models.BigIntegerField(null=True, blank=True)
    # Digest of what was written there last, the plan that it told, and whether it was closed then.
    shown = models.CharField(max_length=64, blank=True)
    plan_shown = models.CharField(max_length=64, blank=True)
    plan_shown_at = models.DateTimeField(null=True, blank=True)
    closed = models.BooleanField(default=False)
    # The latest run has ended and the issue tells so: nothing to do until there is another.
    settled_run = models.BigIntegerField(default=0)
    settled = models.BooleanField(default=False)
    # After a failure: not again before, how often it failed, and how.
    not_before = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    problem = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=models.Q(settled=False), name="issues_to_be_written")]
        constraints = [models.UniqueConstraint(fields=["repository", "number"], name="one_environment_per_issue")]

    def __str__(self) -> str:
        return f"#{self.number or '?'}: {self.environment}"


class GithubDelivery(models.Model):
    """A webhook's delivery, or what polling found: an issue to look at. The same delivery counts once."""

    PULL_COMMENT = "pull_comment"  # an `event`: somebody commented on a pull request of the record, not in an issue

    guid = models.CharField(max_length=80, unique=True)
    event = models.CharField(max_length=40)
    repository = models.CharField(max_length=140, blank=True)
    number = models.PositiveIntegerField()
    # What GitHub signed: which text (`issue:<number>`, `comment:<id>`), its digest, and for a comment the digest of the
    # issue's text as it stood then. Empty: it was polled.
    subject = models.CharField(max_length=60, blank=True)
    text = models.CharField(max_length=64, blank=True)
    form = models.CharField(max_length=64, blank=True)
    received_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)
    # After a failure: not again before, how often it failed, and how. Done with a problem: it was given up.
    not_before = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    problem = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=models.Q(done_at=None), name="deliveries_to_be_read"),
            models.Index(fields=["subject"], condition=~models.Q(subject=""), name="deliveries_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.event} of #{self.number}"


class GithubRequest(models.Model):
    """Something that was asked on GitHub: written with what it did, in one transaction, so it is done once."""

    # `issue:<number>` or `comment:<id>`.
    key = models.CharField(max_length=60)
    repository = models.CharField(max_length=140, blank=True)
    number = models.PositiveIntegerField()
    # Asked on this pull request of the record, not in an issue.
    pull = models.ForeignKey("PullRequest", on_delete=models.CASCADE, null=True, blank=True, related_name="requests")
    login = models.CharField(max_length=100)
    at = models.DateTimeField(default=timezone.now)
    # What is said about it there, and the comment that says it once it is written. Empty: nothing has to be said.
    answer = models.TextField(blank=True)
    # The issue has served its purpose with this answer.
    closes = models.BooleanField(default=False)
    answered_at = models.DateTimeField(null=True, blank=True)
    comment = models.BigIntegerField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=models.Q(answered_at=None), name="answers_to_be_written")]
        constraints = [models.UniqueConstraint(fields=["repository", "key"], name="a_wish_counts_once")]

    def __str__(self) -> str:
        return self.key


class GithubLog(models.Model):
    """One row: since which run issues tell, and up to which one that is noted."""

    first_run = models.BigIntegerField()
    seen_run = models.BigIntegerField()

    def __str__(self) -> str:
        return f"up to run {self.seen_run}"


class GithubCursor(models.Model):
    """One row for each repository of issues: since when it is read, how far, and until when it is to be left alone."""

    # In lower case.
    repository = models.CharField(max_length=140, unique=True)
    # Nothing that was asked there before counts.
    began_at = models.DateTimeField(default=timezone.now)
    polled_at = models.DateTimeField(null=True, blank=True)
    read_to = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    problem = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.repository} since {self.began_at}"
