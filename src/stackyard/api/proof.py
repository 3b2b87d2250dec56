"""`/api/environments/{environment}/verify`."""

from dataclasses import asdict
from datetime import datetime

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import ConfigDict, Field, StrictBool

from stackyard.api.answers import answers
from stackyard.api.auth import person
from stackyard.api.environments import find_environment
from stackyard.environments.proof import verify

router = Router(tags=["environments"])


class VerifyIn(Schema):
    """How far the proof goes."""

    model_config = ConfigDict(extra="forbid")

    live: StrictBool | None = Field(
        default=None,
        description="Also look the name up and open it, from the server. null: unless the sandbox is emulated.",
    )


class HopOut(Schema):
    """One hop of the path."""

    name: str
    title: str
    ok: bool | None = Field(description="null: not asked, because a hop before it is broken.")
    checked: str = Field(description="What was asked.")
    found: str = Field(description="What is there.")
    fix: str = Field(description="What to do about it; empty unless it is broken.")
    seconds: float
    planned: bool = Field(default=False, description="It is what a plan says, and not what AWS says.")


class ProofOut(Schema):
    """The line from FQDN to the last part, as it is now."""

    environment: str
    fqdn: str
    status: str = Field(description="Of the environment; a proof does not change it, a run does.")
    holds: bool = Field(description="No hop is broken.")
    kept: bool = Field(description="Whether the hops are now the environment's; not while a run is going on.")
    proven_at: datetime | None = Field(description="When the hops that the environment has were proven.")
    hops: list[HopOut]


@router.post("/{environment}/verify", response=answers(200, ProofOut), summary="Prove an environment's path")
def verify_environment(request: HttpRequest, environment: str, wish: VerifyIn | None = None) -> ProofOut:
    """Asks AWS about each hop, now; takes seconds. 409 when nothing stands that could be proven."""
    row = find_environment(request, environment)
    before = row.proven_at
    hops = verify(person(request), row, live=wish.live if wish else None)
    return ProofOut(
        environment=row.slug,
        fqdn=row.fqdn,
        status=row.status,
        holds=all(hop.ok is not False for hop in hops),
        kept=row.proven_at != before,
        proven_at=row.proven_at,
        hops=[HopOut(**asdict(hop)) for hop in hops],
    )
