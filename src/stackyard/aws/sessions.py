"""How a sandbox's AWS account is reached: always through its role, at AWS or at the emulator."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import boto3
from botocore.config import Config
from botocore.credentials import DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader
from botocore.session import Session as BotocoreSession

from stackyard.errors import Forbidden, Unavailable, Unusable

BASE_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_CA_BUNDLE",
)
"""Where the SDKs look for the worker's own credentials; Terraform's process is handed these and no other variable.
https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html"""

SESSION_NAME = "stackyard"
EMULATED_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "STACKYARDEMULATOR000", "AWS_SECRET_ACCESS_KEY": "emulated"}

THROTTLED = frozenset(
    {"BandwidthLimitExceeded", "EC2ThrottledException", "PriorRequestNotComplete", "RequestLimitExceeded",
     "RequestThrottled", "RequestThrottledException", "SlowDown", "ThrottledException", "Throttling",
     "ThrottlingException", "TooManyRequestsException"}
)  # fmt: skip
"""Codes by which services of AWS ask for patience."""

ATTEMPTS = 6
# AWS throttles by the account; the "standard" mode backs off and tries again on throttling and on broken connections.
_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    connect_timeout=5,
    read_timeout=30,
    max_pool_connections=32,
)


@dataclass(frozen=True)
class SandboxAccess:
    """The account of a sandbox, its region, and the role that opens it. `endpoint` empty: AWS; else the emulator."""

    account_id: str
    region: str
    role_arn: str
    external_id: str
    endpoint: str

    @property
    def emulated(self) -> bool:
        """Whether this account lives on the emulator."""
        return bool(self.endpoint)

    def client(self, service: str, *, region: str = "") -> Any:
        """A boto3 client that acts as the sandbox's role, by boto3's name of the service; `region` empty: the
        sandbox's own. It may be used by several threads. Its first call assumes the role, and raises Forbidden when
        that is refused, Unavailable when AWS does not answer."""
        with _lock:
            return _client(self, service, region or self.region)

    def environment(self, session_name: str) -> dict[str, str]:
        """Environment variables for Terraform's process: the base credentials from which the provider block assumes
        the role. On AWS those of this process; for the emulator ones that mean nothing. `session_name` is what the
        account's CloudTrail shows, in the user agent."""
        variables = {"AWS_REGION": self.region, "TF_APPEND_USER_AGENT": session_name}
        if self.emulated:
            return {**variables, **EMULATED_CREDENTIALS, "AWS_EC2_METADATA_DISABLED": "true"}
        return variables | {name: os.environ[name] for name in BASE_CREDENTIALS if name in os.environ}

    def terraform_variables(self) -> dict[str, str]:
        """Terraform variables, as environment variables, that the rendered provider block reads."""
        return {"TF_VAR_stackyard_endpoint": self.endpoint} if self.emulated else {}

    def confirm_account(self) -> None:
        """Ask AWS whose account the role opens. Unusable when it is another than the sandbox's."""
        try:
            account = self.client("sts").get_caller_identity()["Account"]
        except (ClientError, BotoCoreError) as error:
            raise Unavailable(f"AWS did not say which account {self.role_arn} opens: {error}") from error
        if account != self.account_id:
            raise Unusable(
                f"The role {self.role_arn} opens account {account}, but the sandbox is account {self.account_id}.",
                hint="Correct the account id or the role of the sandbox.",
            )


@contextmanager
def told_of_throttling(access: SandboxAccess, tell: Callable[[str], None]) -> Iterator[None]:
    """While this lasts, `tell` gets a sentence each time that AWS asks this access for patience and the same call is
    tried again. It is called in the thread that made the call."""
    with _lock:
        _told.setdefault(access, []).append(tell)
    try:
        yield
    finally:
        with _lock:
            _told[access].remove(tell)


def _tell_throttling(access: SandboxAccess, operation: Any, attempts: int, response: Any, **_: Any) -> None:
    """A listener of botocore, called after every answer. Returns nothing: botocore alone decides about retries."""
    code = response[1].get("Error", {}).get("Code", "") if response else ""
    if attempts < ATTEMPTS and code in THROTTLED:
        call = f"{operation.service_model.service_name}:{operation.name}"
        for tell in tuple(_told.get(access, ())):
            tell(f"AWS asks for patience ({call}: {code}). Asking again after a pause, {attempts + 1} of {ATTEMPTS}.")


def forget_sessions() -> None:
    """Drop all clients and temporary credentials, as after a reset of the emulator, which knows them no more."""
    with _lock:
        _client.cache_clear()
        _session.cache_clear()


_lock = threading.Lock()  # a boto3 session may not make two clients at the same time
_told: dict[SandboxAccess, list[Callable[[str], None]]] = {}


@lru_cache(maxsize=1024)
def _client(access: SandboxAccess, service: str, region: str) -> Any:
    make: Any = _session(access).client  # typed for literal names only
    return make(service, region_name=region, endpoint_url=access.endpoint or None, config=_CONFIG)


@lru_cache(maxsize=256)
def _session(access: SandboxAccess) -> boto3.Session:
    """One session for each access: botocore renews its temporary credentials by itself before they expire."""
    session = BotocoreSession()
    session.register_component("data_loader", _models())
    session.register("needs-retry", partial(_tell_throttling, access))
    session._credentials = DeferredRefreshableCredentials(  # type: ignore[attr-defined]
        method="assume-role", refresh_using=lambda: _assume_role(access)
    )
    return boto3.Session(botocore_session=session, region_name=access.region)


@lru_cache(maxsize=1)
def _models() -> Loader:
    """botocore's models of the services: a second to read, so all sessions share them."""
    loader: Loader = BotocoreSession().get_component("data_loader")
    return loader


def _assume_role(access: SandboxAccess) -> dict[str, str]:
    """Temporary credentials of the sandbox's role, in botocore's form for renewable credentials."""
    session = BotocoreSession()
    session.register_component("data_loader", _models())
    base = boto3.Session(
        botocore_session=session,
        aws_access_key_id=EMULATED_CREDENTIALS["AWS_ACCESS_KEY_ID"] if access.emulated else None,
        aws_secret_access_key=EMULATED_CREDENTIALS["AWS_SECRET_ACCESS_KEY"] if access.emulated else None,
        region_name=access.region,
    )
    external = {"ExternalId": access.external_id} if access.external_id else {}
    try:
        sts = base.client("sts", endpoint_url=access.endpoint or None, config=_CONFIG)
        given = sts.assume_role(RoleArn=access.role_arn, RoleSessionName=SESSION_NAME, **external)["Credentials"]
    except ClientError as error:
        raise Forbidden(
            f"AWS refused the role {access.role_arn}: {error.response['Error'].get('Message', error)}",
            hint="Check the role's trust policy and the external id of the sandbox.",
        ) from error
    except BotoCoreError as error:
        raise Unavailable(
            f"The role {access.role_arn} could not be assumed: {error}",
            hint="Check this machine's AWS credentials and its way to AWS.",
        ) from error
    return {
        "access_key": given["AccessKeyId"],
        "secret_key": given["SecretAccessKey"],
        "token": given["SessionToken"],
        "expiry_time": given["Expiration"].isoformat(),
    }
