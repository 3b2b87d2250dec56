"""A change that goes through a pull request of the record."""

from django.db import models

from stackyard.cmdb.models.run import Run


class PullRequest(models.Model):
    """The pull request of a run. The run's worker writes what it wants of it, GitHub's keeper what became of it."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="pull")
    branch = models.CharField(max_length=120)
    # Every commit of the branch that was planned, written before it is pushed; the last is what the plan is for. Any
    # other was pushed by somebody else.
    heads = models.JSONField(default=list)
    # Somebody else's commit is to be planned: from the branch, or from main once it is merged.
    edited = models.BooleanField(default=False)
    # The worker waits for it to be merged, because the plan was approved here.
    merge_wanted = models.BooleanField(default=False)

    # Empty: still to be opened.
    number = models.PositiveIntegerField(null=True, blank=True)
    url = models.CharField(max_length=300, blank=True)
    merged = models.BooleanField(default=False)
    closed = models.BooleanField(default=False)
    # What people are told beside the plan, as who merged it without the right to.
    note = models.TextField(blank=True)
    # Why GitHub did not merge it.
    refused = models.TextField(blank=True)
    # The comment that tells the plan, the digest of its text, and which plan it told when, by GitHub's clock.
    comment = models.BigIntegerField(null=True, blank=True)
    shown = models.CharField(max_length=64, blank=True)
    plan_shown = models.CharField(max_length=64, blank=True)
    plan_shown_at = models.DateTimeField(null=True, blank=True)
    # The run has ended, and the pull request with it: nothing to do any more.
    settled = models.BooleanField(default=False)
    # When it was last looked at; empty: it is to be looked at now.
    looked_at = models.DateTimeField(null=True, blank=True)
    # When its comments were last read; empty: they are to be read now.
    read_at = models.DateTimeField(null=True, blank=True)
    # After a failure: not again before, how often it failed, and how.
    not_before = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    problem = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=models.Q(settled=False), name="pulls_to_be_kept")]

    def __str__(self) -> str:
        return f"#{self.number or '?'}: {self.branch}"
