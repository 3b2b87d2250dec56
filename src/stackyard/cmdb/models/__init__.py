"""The CMDB: who asks, where it is built, what was built, and what happened. One module per noun."""

from stackyard.cmdb.models.address import AddressBlock, AddressPool
from stackyard.cmdb.models.allocation import Allocation
from stackyard.cmdb.models.environment import Environment, EnvironmentStatus
from stackyard.cmdb.models.github import (
    GithubCursor,
    GithubDelivery,
    GithubIssue,
    GithubLog,
    GithubLogin,
    GithubRequest,
)
from stackyard.cmdb.models.notice import Notice
from stackyard.cmdb.models.organisation import ApiToken, Department, Membership, Product, Role
from stackyard.cmdb.models.pattern import PatternVersion
from stackyard.cmdb.models.pull import PullRequest
from stackyard.cmdb.models.request import IdempotencyKey
from stackyard.cmdb.models.run import Run, RunEvent, RunKind, RunStatus, Stage, StageStatus
from stackyard.cmdb.models.sandbox import Sandbox, SandboxStatus
from stackyard.cmdb.models.sign_in import FailedSignIn

__all__ = [
    "AddressBlock",
    "AddressPool",
    "Allocation",
    "ApiToken",
    "Department",
    "Environment",
    "EnvironmentStatus",
    "FailedSignIn",
    "GithubCursor",
    "GithubDelivery",
    "GithubIssue",
    "GithubLog",
    "GithubLogin",
    "GithubRequest",
    "IdempotencyKey",
    "Membership",
    "Notice",
    "PatternVersion",
    "Product",
    "PullRequest",
    "Role",
    "Run",
    "RunEvent",
    "RunKind",
    "RunStatus",
    "Sandbox",
    "SandboxStatus",
    "Stage",
    "StageStatus",
]
