"""The proof of an environment's path, whenever somebody asks for it."""

from dataclasses import asdict

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from stackyard.aws.facts import BaselineFacts
from stackyard.aws.path_proof import NOTHING, Hop, prove_path
from stackyard.aws.probe import probe_live
from stackyard.cmdb import rights
from stackyard.cmdb.models import Environment
from stackyard.errors import Conflict, Forbidden, Unavailable
from stackyard.runs.context import access_to
from stackyard.runs.filling import further_fqdns
from stackyard.settings import get_settings

NOT_PROBED = Hop("live", "From outside", None, "What somebody meets who opens the address.", "Not reached.", "", 0.0)
"""In the place of the live hops when one of those before them is broken."""


def verify(user: User, environment: Environment, *, live: bool | None = None) -> list[Hop]:
    """Prove the line from FQDN to the last part now, from what AWS says; takes seconds.

    `live`: look the name up and open it, too, from this machine; None: only where that can succeed, which is not on
    the emulator, whose names nobody else knows. The hops are kept as the environment's, with the time, unless a run is
    going on or came in between: it writes its own.

    Raises Forbidden as rights say, Conflict for a baseline and when nothing stands, Unavailable when AWS or the
    sandbox's role does not answer, Unusable when the sandbox has no baseline.
    """
    rights.require_act_on(user, environment)
    _require_path(environment)
    latest = _latest_run(environment)
    sandbox = environment.sandbox
    try:
        hops = prove_path(
            access_to(sandbox, get_settings()),
            fqdn=environment.fqdn,
            facts=BaselineFacts.from_dict(sandbox.facts),
            outputs=environment.outputs,
            further=() if latest[1] else further_fqdns(environment),  # a run may be adding one
        )
    except Forbidden as error:  # AWS refused the role, not Stackyard the person
        raise Unavailable(error.message, hint=error.hint) from error
    if any(hop.name == "record" for hop in hops) and (not sandbox.emulated if live is None else live):
        hops += [NOT_PROBED] if any(hop.ok is False for hop in hops) else probe_live(environment.fqdn)
    _keep(environment, hops, latest)
    return hops


def _require_path(environment: Environment) -> None:
    if environment.is_baseline:
        raise Conflict(
            f"{environment.slug} is a baseline, which has no path.",
            hint=f"`stackyard sandbox check {environment.sandbox.name}` looks at what it is made of.",
        )
    if environment.is_gone:
        raise Conflict(f"Nothing of {environment.slug} stands: {environment.get_status_display().lower()}.")
    if not environment.outputs:
        raise Conflict(
            f"{environment.slug} has no outputs yet, so nothing is known that could be proven.",
            hint="They are known once a run has built it.",
        )


def _latest_run(environment: Environment) -> tuple[int, bool]:
    """Its id, and whether it is active."""
    run = environment.runs.order_by("-id").first()
    return (run.pk, run.is_active) if run else (0, False)


def _keep(environment: Environment, hops: list[Hop], latest: tuple[int, bool]) -> None:
    with transaction.atomic():
        row = Environment.objects.select_for_update(of=("self",)).get(pk=environment.pk)
        if row.is_gone or _latest_run(row) != (latest[0], False) or hops == [NOTHING]:
            return
        environment.hops, environment.proven_at = [asdict(hop) for hop in hops], timezone.now()
        # Not by `save`: what AWS says is no change that a person made, so it leaves no history.
        Environment.objects.filter(pk=row.pk).update(hops=environment.hops, proven_at=environment.proven_at)
