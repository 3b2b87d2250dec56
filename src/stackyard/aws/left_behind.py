"""What Terraform does not know of an environment, and a destroy would trip over or leave: it is cleared here."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from stackyard.aws.listers import containers, data
from stackyard.aws.listers.search import Leftover, Search, batches, pages
from stackyard.aws.sessions import SandboxAccess
from stackyard.errors import Conflict, Unavailable

OBJECTS_AT_ONCE = 1000
"""https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html"""
IMAGES_AT_ONCE = 100
"""https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html"""


def clear_left_behinds(
    access: SandboxAccess, *, tag_key: str, tag_value: str, name: str, force_empty: bool
) -> list[str]:
    """Clear what an application's own pipeline and the application itself have made in the environment whose resources
    have the tag `tag_key = tag_value`, or no such tag and exactly the name `name`:

    - revisions of its task definition are deregistered, once its service is gone: a service that still stands might
      need them;
    - with `force_empty`, images in its repositories and objects in its buckets, all versions, are deleted.

    So it is called before Terraform's destroy, which cannot delete a bucket or repository with content, and again
    after it. Doing so once more is no harm. Returns what it did, in words, one sentence for each thing. Log streams go
    with their group. Unavailable when AWS cannot be asked, Conflict when it keeps something."""
    search = Search(access, tag_key, tag_value, name)
    did: list[str] = []
    with _told("the task definitions", access):
        did += _deregister(search)
    if force_empty:
        with _told("the image repositories", access):
            did += _empty_repositories(search)
        with _told("the buckets", access):
            did += _empty_buckets(search)
    return did


def full_stores(access: SandboxAccess, *, tag_key: str, tag_value: str, name: str) -> list[Leftover]:
    """The environment's repositories with images and buckets with objects, which AWS does not delete, each with how to
    empty it. Named and found as in `clear_left_behinds`. Unavailable when AWS cannot be asked."""
    search = Search(access, tag_key, tag_value, name)
    found: list[Leftover] = []
    with _told("the image repositories", access):
        client = search.client("ecr")
        for repository in containers.ecr(search):
            images = sum(1 for _ in pages(client, "list_images", "imageIds", repositoryName=repository.id))
            if images:
                kind = f"repository with {_counted(images, 'image')}"
                found.append(replace(repository, kind=kind, how_to_clear=f"Delete the images in {repository.id}."))
    with _told("the buckets", access):
        for bucket in data.s3(search):
            if _first_objects(search.client("s3"), bucket.id):
                how = f"Delete the objects in {bucket.id}, all versions included."
                found.append(replace(bucket, kind="bucket with objects", how_to_clear=how))
    return found


def _deregister(search: Search) -> Iterator[str]:
    found = list(containers.ecs(search))
    if any(item.kind == "service" for item in found):
        return
    arns = [item.id for item in found if item.kind == "task definition"]
    for arn in arns:
        search.client("ecs").deregister_task_definition(taskDefinition=arn)
    if arns:
        names = ", ".join(arn.rpartition("/")[2] for arn in arns)
        yield f"Deregistered {_counted(len(arns), 'task definition')}: {names}."


def _empty_repositories(search: Search) -> Iterator[str]:
    client = search.client("ecr")
    for repository in containers.ecr(search):
        images = {
            image["imageDigest"] for image in pages(client, "list_images", "imageIds", repositoryName=repository.id)
        }
        kept, before = _delete_images(client, repository.id, images), len(images)
        # An image that belongs to a manifest list of several platforms can only go after the list.
        while kept and len(kept) < before:
            before, kept = len(kept), _delete_images(client, repository.id, set(kept))
        if kept:
            reason = next(iter(kept.values()))
            raise Conflict(
                f"{_counted(len(kept), 'image')} in the repository {repository.id} could not be deleted: {reason}",
                hint="Delete them in the ECR console, then run the destroy again.",
            )
        if images:
            yield f"Deleted {_counted(len(images), 'image')} in the repository {repository.id}."


def _delete_images(client: Any, repository: str, digests: set[str]) -> dict[str, str]:
    """Delete images. Returns those that stay, each with the reason."""
    kept = {}
    for batch in batches(sorted(digests), IMAGES_AT_ONCE):
        ids = [{"imageDigest": digest} for digest in batch]
        answer = client.batch_delete_image(repositoryName=repository, imageIds=ids)
        for failure in answer.get("failures", []):
            if failure["failureCode"] != "ImageNotFound":
                kept[failure["imageId"]["imageDigest"]] = failure.get("failureReason", failure["failureCode"])
    return kept


def _empty_buckets(search: Search) -> Iterator[str]:
    client = search.client("s3")
    for bucket in data.s3(search):
        count = 0
        # The first page, again and again: nothing says what follows a page whose objects are gone.
        while objects := _first_objects(client, bucket.id):
            answer = client.delete_objects(Bucket=bucket.id, Delete={"Objects": objects, "Quiet": True})
            for error in answer.get("Errors", []):
                raise Conflict(
                    f"The object {error['Key']} in the bucket {bucket.id} could not be deleted: {error['Message']}",
                    hint="Look at the bucket's policy and at object locks, then run the destroy again.",
                )
            count += len(objects)
        if count:
            yield f"Deleted {_counted(count, 'object')} in the bucket {bucket.id}, all versions included."


def _first_objects(client: Any, bucket: str) -> list[dict[str, str]]:
    """Versions of objects, and marks of their deletion, as many as one call takes. Empty: none is left."""
    page = client.list_object_versions(Bucket=bucket, MaxKeys=OBJECTS_AT_ONCE)
    listed = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
    return [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in listed]


@contextmanager
def _told(what: str, access: SandboxAccess) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise Unavailable(
            f"What was left of {what} in account {access.account_id} could not be cleared: {error}",
            hint=f"The role {access.role_arn} must be allowed to do so; then run the destroy again.",
        ) from error


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
