"""What a person can decide about a run: whether its plan is applied, and how to go on after it."""

from dataclasses import dataclass

from django.contrib.auth.models import User

from stackyard.cmdb import rights
from stackyard.cmdb.models import Notice, PullRequest, Role, Run, RunKind, RunStatus
from stackyard.environments.change import last_good_commit


@dataclass(frozen=True)
class Decision:
    """`kind`: approve (the run waits), repair (a change went wrong) or apply (only the plan was asked for).

    `may`: this person decides; else those in `who` do. `began`: something may have been applied. `recorded`: the code
    that was asked for is in the record. `can_go_back`: there is an earlier code that was applied with success.
    `may_reject`: this person can end it. `reason`: why somebody has to approve it.
    """

    kind: str
    may: bool
    who: tuple[str, ...] = ()
    destructive: bool = False
    began: bool = False
    recorded: bool = False
    can_go_back: bool = False
    may_reject: bool = False
    reason: str = ""


def decision_of(user: User, run: Run) -> Decision | None:
    """What there is to decide; None where nothing is, or where a later run decided it."""
    may = rights.may_act_on(user, run.environment)
    if run.status == RunStatus.WAITING:
        approves = rights.may_approve(user, run)
        who = () if approves or run.approval_role == Role.PLATFORM else _deciders(run)
        return Decision(
            "approve", approves, who, destructive=bool(run.plan.get("destructive")), may_reject=may, reason=_reason(run)
        )
    if run.kind != RunKind.CHANGE or run.is_active or not may or run.environment.is_gone:
        return None
    if run.environment.runs.filter(pk__gt=run.pk).exists():
        return None
    if run.status == RunStatus.SUCCEEDED:
        return Decision("apply", may) if run.request.get("plan_only") else None
    good = last_good_commit(run.environment)
    # A pull request can be merged by somebody who may not approve it, and be rejected then.
    recorded = bool(run.commit) or PullRequest.objects.filter(run=run, merged=True).exists()
    return Decision(
        "repair",
        may,
        began=run.stages.filter(name="apply", started_at__isnull=False).exists(),
        recorded=recorded,
        can_go_back=bool(recorded and good and good != run.commit),
    )


def _reason(run: Run) -> str:
    notice = Notice.objects.filter(environment_id=run.environment_id, about=f"run {run.pk}", settled_at=None).first()
    return notice.message.partition(": ")[2] if notice else ""


def _deciders(run: Run) -> tuple[str, ...]:
    """Those who may decide beside platform staff, to whom baselines belong."""
    if run.environment.is_baseline:
        return ()
    return tuple(p.get_full_name() or p.username for p in rights.requesters(run.environment.department))
