"""The database, the cache and the secret."""

import json
from fnmatch import fnmatchcase
from typing import Any

from stackyard.aws.hops.path import Broken
from stackyard.aws.hops.secret import READ_SECRET
from stackyard.runs.planned.parts import CACHES, DATABASES, PATTERN, UNKNOWN, Part, Planned, Said, listed
from stackyard.runs.planned.service import require_way


def database_network(planned: Planned) -> Said:
    """A rule lets somebody in on the database's port."""
    return _way(planned, "the database", planned.of(*DATABASES), "vpc_security_group_ids")


def cache_network(planned: Planned) -> Said:
    """A rule lets somebody in on the cache's port."""
    return _way(planned, "the cache", planned.of(*CACHES), "security_group_ids")


def _way(planned: Planned, what: str, stores: list[Part], groups: str) -> Said:
    if not stores:
        return None
    ports = {store.value("port") for store in stores}
    if ports & {UNKNOWN, None} or not all(store.value(groups) is UNKNOWN for store in stores):
        return None, "Its port or its security groups are not known yet."
    for port in sorted(ports):
        require_way(planned, port, what, "")
    return True, f"Port {listed(ports)} is opened."


def subnet_group(planned: Planned) -> Said:
    """There are two subnets at least."""
    groups = planned.of("aws_db_subnet_group")
    if not groups:
        return None
    for group in groups:
        subnets = group.value("subnet_ids")
        if subnets is UNKNOWN:
            return None, "They are not known yet."
        if len(set(subnets or ())) < 2:
            raise Broken(f"{group.address} has {len(set(subnets or ()))} subnets; a database wants two zones.", PATTERN)
    return True, "Two or more."


def secret(planned: Planned) -> Said:
    """A value is put into it, and a role may read it."""
    secrets = planned.of("aws_secretsmanager_secret")
    if not secrets:
        return None
    documents = [part.value("policy") for part in planned.of("aws_iam_role_policy", "aws_iam_policy")]
    attached = planned.of("aws_iam_role_policy_attachment", "aws_iam_policy_attachment")
    if not attached and not any(_may_read(document) for document in documents):
        raise Broken("No planned role may read it.", PATTERN)
    values = len(planned.of("aws_secretsmanager_secret_version"))
    if values < len(secrets):
        return None, f"{len(secrets)} planned, {values} with a value; who puts the others in is not known."
    return True, f"{len(secrets)} planned, with a value."


def _may_read(document: Any) -> bool:
    """Whether a policy could let somebody read a secret: it is not known yet, or an action of it fits."""
    if document is UNKNOWN:
        return True
    try:
        statements = json.loads(document)["Statement"]
    except (ValueError, KeyError, TypeError):
        return True
    actions = [s.get("Action") or [] for s in (statements if isinstance(statements, list) else [statements])]
    flat = [a for given in actions for a in (given if isinstance(given, list) else [given])]
    return any(fnmatchcase(READ_SECRET.lower(), str(action).lower()) for action in flat)
