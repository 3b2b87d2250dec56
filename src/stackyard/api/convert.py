"""Rows of the CMDB and patterns of the catalogue as the API's shapes."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from stackyard.api.shapes import (
    DriftOut,
    DriftResource,
    EnvironmentDetail,
    EnvironmentOut,
    EventOut,
    ParameterOut,
    PatternDetail,
    PatternOut,
    PatternRef,
    RunDetail,
    RunOut,
    SandboxRef,
    StageOut,
)
from stackyard.cmdb.models import Environment, Run, RunEvent
from stackyard.environments.drift import digest_of
from stackyard.patterns.catalogue import Pattern
from stackyard.patterns.interface import bare
from stackyard.patterns.parameters import Parameter
from stackyard.runs.eta import Forecaster
from stackyard.runs.schedule import deletion_at
from stackyard.settings import get_settings

HIDDEN = "(hidden)"


def environment_out(row: Environment) -> EnvironmentOut:
    """An environment in a list; select_related product, sandbox__department, pattern and owner first."""
    return EnvironmentOut(**_environment(row))


def environment_detail(row: Environment, run: Run | None) -> EnvironmentDetail:
    """An environment with everything, and its latest run."""
    return EnvironmentDetail(
        **_environment(row),
        settings=without_secrets(row, row.settings),
        outputs=row.outputs,
        resources=row.resources,
        hops=row.hops,
        proven_at=row.proven_at,
        commit=row.commit,
        run=run_detail(run) if run is not None else None,
    )


def _environment(row: Environment) -> dict[str, Any]:
    return {
        "uid": row.uid,
        "slug": row.slug,
        "name": row.name,
        "product": row.product.name if row.product else "",
        "department": row.department.name,
        "sandbox": SandboxRef(name=row.sandbox.name, account_id=row.sandbox.account_id, region=row.sandbox.region),
        "pattern": PatternRef(name=row.pattern.name, version=row.pattern.version),
        "fqdn": row.fqdn,
        "status": row.status,
        "owner": row.owner.get_username(),
        "created_at": row.created_at,
        "ready_at": row.ready_at,
        "destroyed_at": row.destroyed_at,
        "expires_at": row.expires_at,
        "deletion_at": None if row.is_gone else deletion_at(row, get_settings()),
    }


def drift_out(row: Environment) -> DriftOut:
    """What differs, as it was last looked at."""
    found = row.drift
    return DriftOut(
        checked_at=row.drift_checked_at,
        run=found.get("run"),
        digest=digest_of(row),
        resources=[DriftResource(**r) for r in found.get("resources", [])],
    )


def without_secrets(
    row: Environment, values: Mapping[str, Any], paths: Collection[str] | None = None
) -> dict[str, Any]:
    """The values of an environment's settings with secret ones hidden; `paths`: only these."""
    overlays = row.pattern.manifest.get("parameters", {})
    secret = {bare(path) for path, overlay in overlays.items() if overlay.get("secret")}
    chosen = values if paths is None else {path: value for path, value in values.items() if path in paths}
    return {path: HIDDEN if path in secret else value for path, value in chosen.items()}


def run_out(row: Run, forecaster: Forecaster | None = None) -> RunOut:
    """A run in a list; select_related environment__pattern and requested_by first. `forecaster`: the list's."""
    return RunOut(**_run(row, forecaster or Forecaster()))


def run_detail(row: Run) -> RunDetail:
    """A run with its stages."""
    return RunDetail(
        **_run(row, Forecaster()),
        stages=[
            StageOut(
                name=s.name,
                title=s.title,
                status=s.status,
                started_at=s.started_at,
                finished_at=s.finished_at,
                seconds=round(s.seconds, 1) if s.seconds is not None else None,
            )
            for s in row.stages.all()
        ],
        plan=row.plan,
        planned_path=row.planned_path,
        leftovers=row.leftovers,
        engine=row.engine,
        commit=row.commit,
        takeovers=row.takeovers,
        approval_role=row.approval_role,
        approval_until=row.approval_until,
        cancel_requested=row.cancel_requested_at is not None,
        keep=row.keep,
        tries=row.tries,
    )


def _run(row: Run, forecaster: Forecaster) -> dict[str, Any]:
    outlook = forecaster.of(row)
    return {
        "position": outlook.position,
        "eta_seconds": None if outlook.left is None else round(outlook.left),
        "id": row.pk,
        "environment": row.environment.slug,
        "environment_uid": row.environment.uid,
        "kind": row.kind,
        "status": row.status,
        "active": row.is_active,
        "requested_by": row.requested_by.get_username(),
        "via": row.via,
        "asked_by": row.asked_by,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "error": row.error,
        "hint": row.hint,
        "problems": row.problems,
    }


def event_out(row: RunEvent) -> EventOut:
    """One line of a log."""
    return EventOut(id=row.pk, at=row.at, stage=row.stage, level=row.level, message=row.message, address=row.address)


def pattern_out(pattern: Pattern, tested_at: datetime | None) -> PatternOut:
    """A pattern in a list."""
    return PatternOut(**_pattern(pattern), tested_at=tested_at)


def pattern_detail(pattern: Pattern, tested_at: datetime | None) -> PatternDetail:
    """A pattern with its interface and README. Hidden parameters are nobody's business."""
    return PatternDetail(
        **_pattern(pattern),
        tested_at=tested_at,
        parameters=[parameter_out(p) for p in pattern.parameters if not p.hidden],
        outputs=pattern.manifest.outputs,
        readme=pattern.readme,
    )


def _pattern(pattern: Pattern) -> dict[str, Any]:
    manifest = pattern.manifest
    return {
        "name": pattern.name,
        "version": pattern.version,
        "title": pattern.title,
        "description": manifest.description,
        "owner": manifest.owner,
        "needs": list(manifest.needs),
    }


def parameter_out(parameter: Parameter) -> ParameterOut:
    """One setting that a person may give."""
    return ParameterOut(
        path=parameter.path,
        kind=parameter.kind,
        required=parameter.required,
        nullable=parameter.nullable,
        default=HIDDEN if parameter.secret and parameter.default else parameter.default,
        title=parameter.title,
        description=parameter.description,
        group=parameter.group,
        enum=list(parameter.enum),
        min=parameter.min,
        max=parameter.max,
        pattern=parameter.pattern,
        unit=parameter.unit,
        advanced=parameter.advanced,
        locked=parameter.locked,
        secret=parameter.secret,
        depends_on=dict(parameter.depends_on),
    )
