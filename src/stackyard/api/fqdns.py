"""`/api/environments/{environment}/fqdns`."""

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import ConfigDict, Field, StrictStr

from stackyard.api.answers import answers
from stackyard.api.auth import person
from stackyard.api.environments import accepted, find_environment
from stackyard.api.shapes import Accepted
from stackyard.environments.fqdns import add_fqdn, further_names, remove_fqdn, takes_names
from stackyard.environments.naming import covered

router = Router(tags=["environments"])


class FqdnIn(Schema):
    """One more name."""

    model_config = ConfigDict(extra="forbid")

    fqdn: StrictStr = Field(description="Lies in the sandbox's zone.")


class FurtherOut(Schema):
    """A further name."""

    fqdn: str
    own_certificate: bool = Field(description="The sandbox's wildcard does not cover it.")


class FqdnsOut(Schema):
    """The names of an environment."""

    fqdn: str = Field(description="The one that it was built with.")
    own_certificate: bool
    further: list[FurtherOut]
    takes_more: bool = Field(description="Whether the pattern version that it was built from knows further names.")


@router.get("/{environment}/fqdns", response=answers(200, FqdnsOut), summary="List the host names of an environment")
def list_fqdns(request: HttpRequest, environment: str) -> FqdnsOut:
    """The first one, and those that were added."""
    row = find_environment(request, environment)
    further = [FurtherOut(fqdn=n.fqdn, own_certificate=n.own_certificate) for n in further_names(row)]
    own = bool(row.fqdn) and not covered(row.fqdn, row.sandbox)
    return FqdnsOut(fqdn=row.fqdn, own_certificate=own, further=further, takes_more=takes_names(row))


@router.post("/{environment}/fqdns", response=answers(202, Accepted), summary="Add a host name to an environment")
def add(request: HttpRequest, environment: str, wish: FqdnIn) -> Status[Accepted]:
    """The name is claimed at once; a run makes its record, rule and certificate. 409 while another run is going on."""
    return accepted(add_fqdn(person(request), find_environment(request, environment), wish.fqdn, via="api"))


@router.delete(
    "/{environment}/fqdns/{fqdn}", response=answers(202, Accepted), summary="Take a host name from an environment"
)
def remove(request: HttpRequest, environment: str, fqdn: str) -> Status[Accepted]:
    """The run waits for approval, because a record goes; the name is free for others when it has succeeded."""
    return accepted(remove_fqdn(person(request), find_environment(request, environment), fqdn, via="api"))
