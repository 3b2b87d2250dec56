"""What the application's own pipeline left in an environment is cleared, and nothing of others is."""

import json
from itertools import count
from typing import Any

import pytest

from stackyard.aws.emulator.process import Emulator
from stackyard.aws.inventory import leftovers
from stackyard.aws.left_behind import clear_left_behinds, full_stores
from stackyard.aws.sessions import SandboxAccess
from stackyard.errors import Conflict, Unavailable

ACCOUNTS = count(600000000001)
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
KEY, UID, NAME = "stackyard:environment", "abcd1234", "shop-dev"


@pytest.fixture
def access(emulator: Emulator) -> SandboxAccess:
    account = str(next(ACCOUNTS))
    return SandboxAccess(account, "eu-central-1", f"arn:aws:iam::{account}:role/stackyard", "", emulator.endpoint)


def clear(access: SandboxAccess, *, force_empty: bool = False) -> list[str]:
    return clear_left_behinds(access, tag_key=KEY, tag_value=UID, name=NAME, force_empty=force_empty)


def register(access: SandboxAccess, family: str, **tags: str) -> str:
    containers = [{"name": "app", "image": "x", "memory": 9}]
    options: Any = {"tags": [{"key": KEY, "value": value} for value in tags.values()]} if tags else {}
    made = access.client("ecs").register_task_definition(family=family, containerDefinitions=containers, **options)
    arn: str = made["taskDefinition"]["taskDefinitionArn"]
    return arn


def active(access: SandboxAccess) -> list[str]:
    arns = access.client("ecs").list_task_definitions(status="ACTIVE")["taskDefinitionArns"]
    return [arn.rpartition("/")[2] for arn in arns]


def test_revisions_of_the_applications_pipeline_are_deregistered(access: SandboxAccess) -> None:
    register(access, NAME, environment=UID)
    register(access, NAME)
    register(access, f"{NAME}-migrate", environment=UID)
    for family in (f"{NAME}-2", "shop", f"my-{NAME}"):
        register(access, family)
    assert clear(access) == ["Deregistered 3 task definitions: shop-dev:1, shop-dev:2, shop-dev-migrate:1."]
    assert sorted(active(access)) == ["my-shop-dev:1", "shop-dev-2:1", "shop:1"]
    assert clear(access) == []


def test_revisions_wait_while_the_service_stands(access: SandboxAccess) -> None:
    ecs = access.client("ecs")
    ecs.create_cluster(clusterName="one")
    register(access, NAME)
    ecs.create_service(cluster="one", serviceName=NAME, taskDefinition=NAME, desiredCount=1)
    assert clear(access) == []
    ecs.delete_service(cluster="one", service=NAME, force=True)
    assert clear(access) == ["Deregistered 1 task definition: shop-dev:1."]


def push(access: SandboxAccess, repository: str, *tags: str, **options: Any) -> None:
    ecr = access.client("ecr")
    ecr.create_repository(repositoryName=repository, **options)
    for tag in tags:
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": [{"digest": f"sha256:{tag}"}]}
        ecr.put_image(repositoryName=repository, imageManifest=json.dumps(manifest), imageTag=tag)


def images(access: SandboxAccess, repository: str) -> int:
    return len(access.client("ecr").list_images(repositoryName=repository)["imageIds"])


def test_what_is_not_empty_is_told_with_how_to_empty_it(access: SandboxAccess) -> None:
    push(access, NAME, "v1", "v2", tags=[{"Key": KEY, "Value": UID}])
    push(access, f"{NAME}-other", "v1", tags=[{"Key": KEY, "Value": "another"}])
    push(access, f"{NAME}-empty", tags=[{"Key": KEY, "Value": UID}])
    s3 = access.client("s3")
    for bucket in (f"{NAME}-files", f"{NAME}-void"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": KEY, "Value": UID}]})
    s3.put_object(Bucket=f"{NAME}-files", Key="a", Body=b"x")
    found = full_stores(access, tag_key=KEY, tag_value=UID, name=NAME)
    assert [(item.kind, item.id, item.how_to_clear) for item in found] == [
        ("repository with 2 images", NAME, f"Delete the images in {NAME}."),
        (
            "bucket with objects",
            f"{NAME}-files",
            f"Delete the objects in {NAME}-files, all versions included.",
        ),
    ]
    assert clear(access, force_empty=True)
    assert full_stores(access, tag_key=KEY, tag_value=UID, name=NAME) == []


def test_images_go_only_when_told_so(access: SandboxAccess) -> None:
    push(access, NAME, *(f"v{number}" for number in range(120)), tags=[{"Key": KEY, "Value": UID}])
    push(access, f"{NAME}-other", "v1", tags=[{"Key": KEY, "Value": "another"}])
    assert clear(access) == []
    assert clear(access, force_empty=True) == ["Deleted 120 images in the repository shop-dev."]
    assert images(access, NAME) == 0
    assert images(access, f"{NAME}-other") == 1


def new_bucket(access: SandboxAccess, name: str, *, versions: bool = False, owner: str = UID, **options: Any) -> Any:
    s3 = access.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": access.region}, **options)
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": KEY, "Value": owner}]})
    if versions:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return s3


def test_a_bucket_is_emptied_of_all_versions_so_that_it_can_be_deleted(access: SandboxAccess) -> None:
    bucket, other = f"{NAME}-{access.account_id}", f"{NAME}-2-{access.account_id}"
    s3 = new_bucket(access, bucket, versions=True)
    for key in ("a", "a", "b/c", "d e&f"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"-")
    s3.delete_object(Bucket=bucket, Key="a")
    new_bucket(access, other, owner="another").put_object(Bucket=other, Key="a", Body=b"-")
    assert clear(access) == []
    assert clear(access, force_empty=True) == [f"Deleted 5 objects in the bucket {bucket}, all versions included."]
    s3.delete_bucket(Bucket=bucket)
    assert s3.list_objects_v2(Bucket=other)["KeyCount"] == 1


def test_more_objects_than_one_call_takes_are_deleted(access: SandboxAccess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stackyard.aws.left_behind.OBJECTS_AT_ONCE", 3)
    bucket = f"{NAME}-{access.account_id}"
    s3 = new_bucket(access, bucket)
    for number in range(7):
        s3.put_object(Bucket=bucket, Key=str(number), Body=b"-")
    assert clear(access, force_empty=True) == [f"Deleted 7 objects in the bucket {bucket}, all versions included."]
    s3.delete_bucket(Bucket=bucket)


def test_what_was_left_behind_is_not_left_over(access: SandboxAccess) -> None:
    register(access, NAME)
    search = {"tag_key": KEY, "tag_value": UID, "name": NAME}
    assert leftovers(access, **search)
    clear(access)
    assert leftovers(access, **search) == []


def test_who_may_not_clear_is_told(access: SandboxAccess, emulator: Emulator) -> None:
    register(access, NAME)
    emulator.fail("ecs:DeregisterTaskDefinition", times=1)
    with pytest.raises(Unavailable, match=r"the task definitions in account \d+ could not be cleared") as refused:
        clear(access)
    assert access.role_arn in refused.value.hint


def test_an_object_that_stays_is_told(access: SandboxAccess) -> None:
    bucket = f"{NAME}-{access.account_id}"
    s3 = new_bucket(access, bucket, ObjectLockEnabledForBucket=True)
    s3.put_object(Bucket=bucket, Key="ledger", Body=b"-")
    s3.put_object_legal_hold(Bucket=bucket, Key="ledger", LegalHold={"Status": "ON"})
    with pytest.raises(Conflict, match=f"The object ledger in the bucket {bucket} could not be deleted"):
        clear(access, force_empty=True)
