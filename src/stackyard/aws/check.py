"""Is a sandbox fit to be built in? What is missing is told in plain words, with what to do about it."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import BotoCoreError, ClientError

from stackyard.aws.checks import addresses, builds, delegation, quotas, standing
from stackyard.aws.checks.finding import Finding, Verdict
from stackyard.aws.checks.parent import parent_zone as above
from stackyard.aws.facts import BaselineFacts
from stackyard.aws.hops.path import Path
from stackyard.aws.jobs import Buckets
from stackyard.aws.lookup import Server
from stackyard.aws.sessions import SandboxAccess
from stackyard.errors import StackyardError

__all__ = ["Finding", "check_sandbox"]

Check = Callable[[], Verdict]

ACCOUNT = "Role and account"


def check_sandbox(
    access: SandboxAccess,
    facts: BaselineFacts | None,
    *,
    zone_name: str,
    vpc_cidr: str,
    other_cidrs: Sequence[str],
    resolver: Server | None = None,
    parent: SandboxAccess | None = None,
    parent_zone_id: str = "",
    own_vpc: str = "",
    build_place: Buckets | None = None,
) -> list[Finding]:
    """Look at the account of a sandbox whose environments get names under `zone_name` and whose VPC has, or gets, the
    block `vpc_cidr`. `facts` None: it has no baseline yet. `other_cidrs`: blocks of other sandboxes; `resolver`: the
    DNS server to ask, by host and port, in place of this machine's; `parent`: the account of the zone `parent_zone_id`
    above, where its NS record is ours to write; `own_vpc`: the network of a baseline that is not whole yet;
    `build_place`: where its builds are, when they are elsewhere. Changes nothing. Findings come in a fixed order; when
    the role opens no account, or another, that is the only one. An error of AWS makes the finding that met it unknown.
    Invalid for an address block that is none."""
    own = addresses.block(vpc_cidr, "vpc_cidr")
    others = [addresses.block(text, "other_cidrs") for text in other_cidrs]
    account = _account(access)
    if not account.ok:
        return [Finding(ACCOUNT, False, account.found, account.fix)]
    checks: dict[str, Check] = {
        "VPCs": lambda: quotas.vpcs(access, facts),
        "Elastic IP addresses": lambda: quotas.elastic_ips(access, facts),
        "Rules of the load balancer": lambda: quotas.rules(access, facts),
        "Fargate vCPUs": lambda: quotas.fargate(access),
        **({} if parent is None else {"Parent zone": lambda: above(access, facts, parent, parent_zone_id, zone_name)}),
        "Delegation of the zone": lambda: delegation.delegated(access, facts, zone_name, resolver),
        "Address block": lambda: addresses.overlaps(access, facts.vpc_id if facts else own_vpc, own, others),
    }
    if facts is not None:
        path = Path(access, fqdn="", facts=facts, outputs={})
        checks |= {
            "VPC": lambda: standing.vpc(path),
            "Subnets": lambda: standing.subnets(path),
            "ECS cluster": lambda: standing.cluster(path),
            "Load balancer": lambda: standing.load_balancer(path),
            "HTTPS listener": lambda: standing.listener(path),
            "Certificate": lambda: standing.certificate(path),
        }
    if build_place is not None:
        checks["Builds"] = lambda: builds.place(access, build_place)
    with ThreadPoolExecutor(max_workers=len(checks)) as pool:
        asked = {title: pool.submit(_ask, access, check) for title, check in checks.items()}
    verdicts = {ACCOUNT: account, **{title: answer.result() for title, answer in asked.items()}}
    return [Finding(title, verdict.ok, verdict.found, verdict.fix) for title, verdict in verdicts.items()]


def _account(access: SandboxAccess) -> Verdict:
    try:
        access.confirm_account()
    except StackyardError as error:
        return Verdict(False, error.message, error.hint or "Check the sandbox's role, then check again.")
    return Verdict(True, f"The role {access.role_arn} opens account {access.account_id}.")


def _ask(access: SandboxAccess, check: Check) -> Verdict:
    try:
        return check()
    except (ClientError, BotoCoreError) as error:
        return Verdict(
            None, f"AWS did not tell: {error}", f"The role {access.role_arn} must be allowed to ask; then check again."
        )
