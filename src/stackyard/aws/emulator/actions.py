"""AWS API actions by name (`ecs:CreateService`), and which action a request is. Both come from botocore's models."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qs

import botocore.session
from botocore.model import OperationModel, ServiceModel

from stackyard.errors import Invalid

# IAM's prefix where it is not boto3's name of the service.
# https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
IAM_PREFIXES = {
    "elasticloadbalancing": ("elbv2", "elb"),
    "elasticloadbalancingv2": ("elbv2",),
    "s3": ("s3", "s3control"),
    "ses": ("ses", "sesv2"),
    "tag": ("resourcegroupstaggingapi",),
    "states": ("stepfunctions",),
}


@dataclass(frozen=True)
class Action:
    """One action of the AWS API. `services`: boto3's names of the services that have it, usually one."""

    services: tuple[str, ...]
    operation: str

    def __str__(self) -> str:
        return f"{self.services[0]}:{self.operation}"

    @classmethod
    def parse(cls, text: str) -> "Action":
        """From `service:Action`, the service by boto3's name or IAM's prefix, case ignored. Invalid for an unknown
        one, with the nearest names."""
        prefix, colon, name = text.strip().partition(":")
        if not colon or not name:
            raise Invalid.field("fail_at", f"'{text}' is not an AWS action; write it as ecs:CreateService.")
        known = {*_session().get_available_services(), *IAM_PREFIXES}
        if prefix.lower() not in known:
            raise Invalid.field("fail_at", f"AWS has no service '{prefix}'{_nearest(prefix.lower(), known)}")
        services = IAM_PREFIXES.get(prefix.lower(), (prefix.lower(),))
        operations = {
            service: {operation.lower(): operation for operation in service_model(service).operation_names}
            for service in services
        }
        having = tuple(service for service in services if name.lower() in operations[service])
        if not having:
            every = {operation for names in operations.values() for operation in names.values()}
            raise Invalid.field("fail_at", f"{prefix} has no action '{name}'{_nearest(name, every)}")
        return cls(having, operations[having[0]][name.lower()])


@dataclass(frozen=True)
class Request:
    """What of an HTTP request tells its action. `headers` by lower-case name; `form`: the fields of a form body."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    form: Mapping[str, str]

    @property
    def signing_name(self) -> str:
        """The service that the request is signed for, from the credential scope AKID/date/region/SERVICE/aws4_request.
        Empty: not signed."""
        scope = re.search(r"Credential=([^,\s]+)", self.headers.get("authorization", ""))
        parts = (scope[1] if scope else self.query.get("X-Amz-Credential", "")).split("/")
        return parts[-2] if len(parts) >= 5 else ""

    @property
    def protocol(self) -> str:
        """How the caller speaks. A model's own protocol is not the answer: services speak several, and SDKs differ."""
        if "x-amz-target" in self.headers:
            return "json"
        if self.headers.get("smithy-protocol") == "rpc-v2-cbor":
            return "smithy-rpc-v2-cbor"
        if "Action" in self.form or "Action" in self.query:
            return "query"
        return "rest"

    def is_for(self, service: str, operation: str) -> bool:
        """Whether this request calls that operation of that service (by boto3's name)."""
        model = service_model(service)
        if self.signing_name.lower() != model.signing_name.lower():  # Terraform's provider 3 signs for WAFV2
            return False
        match self.protocol:
            case "json":
                target, _, called = self.headers["x-amz-target"].rpartition(".")
                return called == operation and target == model.metadata.get("targetPrefix", target)
            case "smithy-rpc-v2-cbor":
                return self.path.endswith(f"/operation/{operation}")
            case "query":
                parameters = {**self.query, **self.form}
                version = parameters.get("Version", model.api_version)
                return parameters["Action"] == operation and version == model.api_version
            case _:
                return _rest_operation(service, self) == operation


def parse_form(body: str) -> dict[str, str]:
    """The first value of each field of a query string or form body."""
    return {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}


@cache
def service_model(service: str) -> ServiceModel:
    """botocore's model of a service, by boto3's name."""
    return _session().get_service_model(service)


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


@dataclass(frozen=True)
class _Route:
    """Method, path and what else a request must have to be this operation of a REST service."""

    operation: str
    method: str
    path: re.Pattern[str]
    literals: int
    query: Mapping[str, str]
    parameters: tuple[str, ...]
    headers: tuple[str, ...]

    @property
    def weight(self) -> tuple[int, int]:
        """The more a route asks for, the more exactly it fits: PutBucketAcl before CreateBucket."""
        return len(self.query) + len(self.parameters) + len(self.headers), self.literals

    def fits(self, request: Request) -> bool:
        return (
            self.method == request.method
            and self.path.fullmatch(request.path.rstrip("/")) is not None
            and all(name in request.query and request.query[name] == value for name, value in self.query.items())
            and all(name in request.query for name in self.parameters)
            and all(name in request.headers for name in self.headers)
        )


def _rest_operation(service: str, request: Request) -> str:
    return next((route.operation for route in _routes(service) if route.fits(request)), "")


@cache
def _routes(service: str) -> tuple[_Route, ...]:
    model = service_model(service)
    routes = [_route(model.operation_model(name)) for name in model.operation_names]
    return tuple(sorted(routes, key=lambda route: route.weight, reverse=True))


def _route(operation: OperationModel) -> _Route:
    path, _, query = operation.http["requestUri"].partition("?")
    shape = operation.input_shape
    places = [
        (member.serialization.get("location"), member.serialization.get("name", name))
        for name, member in (shape.members.items() if shape else ())
        if shape and name in shape.required_members
    ]
    parts = re.split(r"(\{[^}]+\})", path.rstrip("/"))
    pattern = "".join(
        (".+" if part.endswith("+}") else "[^/]+") if part.startswith("{") else re.escape(part) for part in parts
    )
    return _Route(
        operation=operation.name,
        method=operation.http["method"],
        path=re.compile(pattern),
        literals=sum(len(part) for part in parts if not part.startswith("{")),
        query=parse_form(query),
        parameters=tuple(name for place, name in places if place == "querystring"),
        headers=tuple(name.lower() for place, name in places if place == "header"),
    )


def _nearest(name: str, known: set[str]) -> str:
    by_lower = {word.lower(): word for word in known}
    near = [by_lower[word] for word in difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.5)]
    return f"; do you mean {' or '.join(near)}?" if near else "."
