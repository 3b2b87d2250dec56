"""The host names of an environment, for its page."""

from dataclasses import dataclass

from django import template

from stackyard.cmdb.models import Environment
from stackyard.environments.fqdns import FurtherName, further_names, takes_names

register = template.Library()


@dataclass(frozen=True)
class HostNames:
    """`takes_more`: the pattern version that it was built from knows further names."""

    further: list[FurtherName]
    takes_more: bool


@register.simple_tag
def host_names(environment: Environment) -> HostNames:
    """Its further names, and whether it takes more."""
    return HostNames(further_names(environment), takes_names(environment))
