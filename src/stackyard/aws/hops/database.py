"""The way from the tasks to the database and to the cache, and these themselves."""

from collections.abc import Sequence

from stackyard.aws.hops.names import REBUILD
from stackyard.aws.hops.path import Broken, Path
from stackyard.aws.hops.service import opens
from stackyard.aws.hops.stores import Store

WAIT = "Wait until it is available, or start it; then prove the path again."


def database_network(path: Path) -> str:
    """The tasks' security groups let out to the database's port, and its security groups let them in."""
    known, own = path.database, path.output("database_security_group_id")
    ids = known.groups if known else (own,) if own else ()
    port = (known.port if known else None) or _told_port(path)
    if not path.security_groups(ids):
        raise Broken(f"The database {_name(path)} has no security group that exists.", REBUILD)
    return way(path, "the database", ids, port)


def way(path: Path, what: str, ids: Sequence[str], port: int) -> str:
    """From the tasks to the security groups `ids` of `what` on a port: out of the one, into the other."""
    groups, tasks = path.security_groups(ids), path.task_security_groups
    group_ids, task_ids = [g["GroupId"] for g in groups], [g["GroupId"] for g in tasks]
    cidr = path.facts.vpc_cidr
    if not any(opens(group["IpPermissionsEgress"], port, group_ids, cidr) for group in tasks):
        raise Broken(f"{', '.join(task_ids)} of the tasks does not let out to port {port} of {what}.", REBUILD)
    if not any(opens(group["IpPermissions"], port, task_ids, cidr) for group in groups):
        raise Broken(
            f"{', '.join(group_ids)} of {what} does not let the tasks in on port {port} "
            f"(their group is {', '.join(task_ids)}).",
            REBUILD,
        )
    return f"{', '.join(task_ids)} reaches {', '.join(group_ids)} on port {port}."


def subnet_group(path: Path) -> str:
    """The database's subnets lie in the sandbox's VPC, in two zones at least."""
    name = (path.database and path.database.subnet_group) or path.output("database_subnet_group_name")
    if not name:
        raise Broken(f"The database {_name(path)} has no subnet group.", REBUILD)
    answer = path.ask("rds", "describe_db_subnet_groups", DBSubnetGroupName=name)
    if not answer or not answer["DBSubnetGroups"]:
        raise Broken(f"There is no subnet group {name}.", REBUILD)
    found = answer["DBSubnetGroups"][0]
    if found["VpcId"] != path.facts.vpc_id:
        raise Broken(f"The subnet group {name} lies in {found['VpcId']}, the tasks in {path.facts.vpc_id}.", REBUILD)
    zones = {subnet["SubnetAvailabilityZone"]["Name"] for subnet in found["Subnets"]}
    if len(zones) < 2:
        raise Broken(f"The subnet group {name} has subnets in one zone only: {', '.join(zones)}.", REBUILD)
    return f"{name} in {', '.join(sorted(zones))}."


def database(path: Path) -> str:
    """It is available, at the address that the environment tells its application."""
    found = path.database
    if found is None:
        raise Broken(f"There is no database {_name(path)}.", REBUILD)
    if found.status != "available":
        raise Broken(f"The database {found.id} is {found.status}.", WAIT)
    if found.writer is not None and found.writer != "available":
        said = f"whose writing instance is {found.writer}" if found.writer else "which has no instance that writes"
        raise Broken(f"The database {found.id} is a cluster {said}.", REBUILD if not found.writer else WAIT)
    told = path.output("database_endpoint").partition(":")[0]
    if told and told != found.endpoint:
        raise Broken(f"The database answers at {found.endpoint}, the application is told {told}.", REBUILD)
    return f"{found.id} is available at {found.endpoint}:{found.port}."


def cache_network(path: Path) -> str:
    """The tasks' security groups let out to the cache's port, and its security groups let them in."""
    found = _cache(path)
    if not path.security_groups(found.groups):
        raise Broken(f"The cache {found.id} has no security group that exists.", REBUILD)
    return way(path, "the cache", found.groups, found.port or 6379)


def cache(path: Path) -> str:
    """It is available, at the address that the environment tells its application."""
    found = _cache(path)
    if found.status != "available":
        raise Broken(f"The cache {found.id} is {found.status}.", WAIT)
    told = path.output("cache_endpoint")
    if told and told != found.endpoint:
        raise Broken(f"The cache answers at {found.endpoint}, the application is told {told}.", REBUILD)
    return f"{found.id} is available at {found.endpoint}:{found.port}."


def _cache(path: Path) -> Store:
    if path.cache is None:
        raise Broken(f"There is no cache {path.output('cache_identifier')}.", REBUILD)
    return path.cache


def _told_port(path: Path) -> int:
    """The port that the outputs tell, where the endpoint may be `host:port` as Terraform's `aws_db_instance` has it."""
    return int(path.output("database_port") or path.output("database_endpoint").partition(":")[2] or 5432)


def _name(path: Path) -> str:
    return path.output("database_identifier") or path.output("database_endpoint").partition(".")[0]
