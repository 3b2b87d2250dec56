"""What a sandbox's baseline offers to patterns: the ids of its common components."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from stackyard.errors import Unusable

_LISTS = ("public_subnet_ids", "private_subnet_ids", "database_subnet_ids")


@dataclass(frozen=True)
class BaselineFacts:
    """The common components of one sandbox. Subnets: one per zone. Names of zones and hosts have no dot at the end."""

    vpc_id: str
    vpc_cidr: str
    public_subnet_ids: tuple[str, ...]
    private_subnet_ids: tuple[str, ...]
    database_subnet_ids: tuple[str, ...]
    cluster_arn: str
    cluster_name: str
    alb_arn: str
    alb_dns_name: str
    alb_zone_id: str
    alb_security_group_id: str
    http_listener_arn: str
    https_listener_arn: str
    zone_id: str
    zone_name: str
    certificate_arn: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON: subnets as lists."""
        return {name: list(value) if name in _LISTS else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "BaselineFacts":
        """The opposite of `as_dict`. More than these facts may be in `values`; Unusable when one of them is not."""
        names = [field.name for field in fields(cls)]
        missing = [name for name in names if not values.get(name)]
        if missing:
            raise Unusable(
                f"The sandbox's baseline does not offer {', '.join(missing)}.",
                hint="Build the baseline of the sandbox, or register what the account has.",
            )
        chosen: dict[str, Any] = {name: tuple(values[name]) if name in _LISTS else str(values[name]) for name in names}
        return cls(**chosen)
