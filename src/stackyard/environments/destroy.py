"""Destroy: from the code that built it, never from the pattern of today."""

from django.contrib.auth.models import User
from django.db import transaction

from stackyard.cmdb import rights
from stackyard.cmdb.models import Environment, Run, RunKind
from stackyard.environments.occupancy import refuse_while_lived_in
from stackyard.errors import Conflict
from stackyard.runs.queue import enqueue


def destroy(user: User, environment: Environment, *, via: str) -> Run:
    """Accept the wish to take an environment away; returns the queued run.

    Raises Forbidden as rights say and Conflict while another run is going on, when nothing is left to destroy, or, for
    a baseline, while an environment lives in its sandbox.
    """
    rights.require_act_on(user, environment)
    with transaction.atomic():
        locked = Environment.objects.select_for_update().get(pk=environment.pk)
        if locked.is_gone:
            raise Conflict(f"{locked.slug} is gone already: {locked.get_status_display().lower()}.")
        if locked.is_baseline:
            refuse_while_lived_in(locked.sandbox)
        return enqueue(locked, RunKind.DESTROY, user, via=via)
