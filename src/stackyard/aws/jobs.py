"""Jobs in the account of a sandbox: their packages, what they bring back, and the secrets that are for them alone.

A job that tells while it works brings its events in numbered chunks beside its results, and looks there for a mark that
asks it to stop. On its own machine that is `aws/own_job.py`.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from stackyard.aws.sessions import SandboxAccess
from stackyard.errors import Unavailable, Unusable, shown

RESULT, EVENTS, STOP = "result.json", "events/", "stop"
"""Below the results of a job: how it ended, which comes last; its chunks of events; the mark."""

GIVEN_UP = b"given up"
"""What stands in the first chunk of a job that shall not begin; that of one that has is empty."""

NOT_THERE = frozenset({"NoSuchBucket", "PipelineNotFoundException"})

TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
"""What S3 says when the object that must not be there is there, or just comes from somebody else."""


@dataclass(frozen=True)
class Buckets:
    """Where the packages of a sandbox's jobs lie, and what they bring back."""

    packages: str
    results: str

    @classmethod
    def of(cls, access: SandboxAccess, options: Mapping[str, Any]) -> "Buckets":
        """By the sandbox's options, else the bucket of results that `modules/builds` makes, for both: what comes into
        its bucket of packages starts a pipeline."""
        results = str(options.get("results") or f"{usual_name(access)}-results")
        return cls(str(options.get("packages") or results), results)


@dataclass(frozen=True)
class Told:
    """What a job has brought since the chunk that was read last. `chunk`: the last one now, -1 before it has begun."""

    chunk: int
    lines: tuple[str, ...]
    ended: bool


def usual_name(access: SandboxAccess) -> str:
    """How the names of buckets begin."""
    return f"stackyard-builds-{access.account_id}-{access.region}"


def results_of(key: str) -> str:
    """Where in the bucket of results those of a package are."""
    return f"results/{key}/"


def upload(access: SandboxAccess, buckets: Buckets, key: str, package: Path) -> None:
    """Put a package where its job reads it."""
    with told("upload a job"):
        access.client("s3").upload_file(str(package), buckets.packages, key)


def read_events(access: SandboxAccess, buckets: Buckets, key: str, chunk: int) -> Told:
    """The lines that a job told in the chunks after `chunk` (-1: from the beginning), and whether it has a result."""
    s3, prefix = access.client("s3"), results_of(key)
    after = f"{prefix}{EVENTS}" if chunk < 0 else chunk_key(prefix, chunk)
    lines: list[str] = []
    with told("read the events of a job"):
        # In this order of names the result comes after the events.
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=buckets.results, Prefix=prefix, StartAfter=after)
        keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
        for name in (k for k in keys if k.startswith(f"{prefix}{EVENTS}")):
            chunk = int(Path(name).stem)
            if chunk:
                text: bytes = s3.get_object(Bucket=buckets.results, Key=name)["Body"].read()
                lines += text.decode("utf-8", "replace").splitlines()
    return Told(chunk, tuple(lines), f"{prefix}{RESULT}" in keys)


def chunk_key(prefix: str, chunk: int) -> str:
    """The object of a chunk. The first one, 0, has no events: it says that somebody does the job."""
    return f"{prefix}{EVENTS}{chunk:06}.jsonl"


def begin_or_hinder(s3: Any, bucket: str, prefix: str, body: bytes = b"") -> bool:
    """Put the first chunk there, and say whether nobody else has: so a job is begun once only, and a job that was
    given up never is. ClientError when that cannot be done."""
    try:
        s3.put_object(Bucket=bucket, Key=chunk_key(prefix, 0), Body=body, IfNoneMatch="*")
    except ClientError as error:
        if error.response["Error"]["Code"] in TAKEN:
            return False
        raise
    return True


def hinder(access: SandboxAccess, buckets: Buckets, key: str) -> bool:
    """See to it that a job never begins. False when it has begun."""
    s3, prefix = access.client("s3"), results_of(key)
    with told("take back a job"):
        if begin_or_hinder(s3, buckets.results, prefix, GIVEN_UP):
            return True
        first: bytes = s3.get_object(Bucket=buckets.results, Key=chunk_key(prefix, 0))["Body"].read()
        return first == GIVEN_UP


def ask_to_stop(access: SandboxAccess, buckets: Buckets, key: str) -> None:
    """Leave the mark by which a job ends in good order, however long that takes."""
    with told("ask a job to stop"):
        access.client("s3").put_object(Bucket=buckets.results, Key=f"{results_of(key)}{STOP}", Body=b"")


def collect(access: SandboxAccess, buckets: Buckets, key: str, folder: Path) -> bool:
    """Write the results of an ended job into `folder`. False when it left none."""
    s3, prefix = access.client("s3"), results_of(key)
    folder.mkdir(parents=True, exist_ok=True)
    with told("fetch the results of a job"):
        rows = s3.list_objects_v2(Bucket=buckets.results, Prefix=prefix, Delimiter="/").get("Contents", [])
        names = [str(row["Key"]).removeprefix(prefix) for row in rows]
        for name in names:
            s3.download_file(buckets.results, f"{prefix}{name}", str(folder / name))
    return RESULT in names


def clear(access: SandboxAccess, buckets: Buckets, key: str) -> None:
    """Delete every version of package and results: a saved plan holds values in clear."""
    _delete(access, buckets.packages, key)
    _delete(access, buckets.results, results_of(key))


def _delete(access: SandboxAccess, bucket: str, prefix: str) -> None:
    s3 = access.client("s3")
    with told("delete what belongs to a job"):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
            for item in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]:
                s3.delete_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])


def hand_over(access: SandboxAccess, name: str, secrets: Mapping[str, str]) -> None:
    """Put secrets where the job alone reads them: a secret of the account, as a JSON object."""
    client, text = access.client("secretsmanager"), json.dumps(dict(secrets))
    with told("hand secrets over to a job"):
        try:
            client.create_secret(Name=name, SecretString=text)
        except client.exceptions.ResourceExistsException:
            client.put_secret_value(SecretId=name, SecretString=text)


def take_back(access: SandboxAccess, name: str) -> None:
    """Delete such a secret for good. Nothing when there is none."""
    client = access.client("secretsmanager")
    with told("take secrets back from a job"):
        try:
            client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
        except client.exceptions.ResourceNotFoundException:
            return


@contextmanager
def told(what: str) -> Iterator[None]:
    """AWS errors as one sentence: what we wanted, and what AWS said. Unusable when what builds need is not there,
    which waiting does not help, else Unavailable."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        if isinstance(error, ClientError) and error.response["Error"]["Code"] in NOT_THERE:
            raise Unusable(
                f"AWS did not let us {what}: {shown(str(error), 300)}",
                hint="Builds are not set up in this account: `stackyard sandbox check` tells what is missing.",
            ) from error
        raise Unavailable(
            f"AWS did not let us {what}: {shown(str(error), 300)}",
            hint="docs/executors.md tells what an account needs for builds.",
        ) from error
