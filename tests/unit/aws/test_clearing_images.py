"""Images of several platforms: AWS deletes the parts only after the list that names them."""

from typing import Any

import pytest

from stackyard.aws import left_behind
from stackyard.aws.listers.search import Leftover, Search
from stackyard.aws.sessions import SandboxAccess
from stackyard.errors import Conflict

ACCESS = SandboxAccess("111122223333", "eu-central-1", "arn:aws:iam::111122223333:role/stackyard", "", "http://unused")


class Registry:
    """ECR with images, some of which are part of others. `locked` ones never go."""

    def __init__(self, parts: dict[str, str], locked: str = "") -> None:
        self.images = {*parts, *parts.values()}
        self.parts = parts
        self.locked = locked

    def can_paginate(self, operation: str) -> bool:
        return False

    def list_images(self, **_: Any) -> dict[str, Any]:
        return {"imageIds": [{"imageDigest": digest} for digest in self.images]}

    def batch_delete_image(self, imageIds: list[dict[str, str]], **_: Any) -> dict[str, Any]:  # noqa: N803  (AWS's)
        before, failures = set(self.images), []
        for image in imageIds:
            digest = image["imageDigest"]
            if digest == self.locked or self.parts.get(digest) in before:
                failures.append({"imageId": image, "failureCode": "X", "failureReason": f"{digest} is referenced"})
            else:
                self.images.discard(digest)
        return {"failures": failures}


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch) -> Search:
    repository = Leftover("ecr", "repository", "shop-dev", "")
    monkeypatch.setattr(left_behind.containers, "ecr", lambda search: [repository])
    return Search(ACCESS, "key", "value", "shop-dev")


def empty(search: Search, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(Search, "client", lambda self, service: registry)
    return list(left_behind._empty_repositories(search))


def test_parts_of_an_image_go_after_it(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry({"amd64": "list", "arm64": "list", "layer": "amd64"})
    assert empty(search, registry, monkeypatch) == ["Deleted 4 images in the repository shop-dev."]
    assert registry.images == set()


def test_an_image_that_stays_ends_the_attempt(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry({"amd64": "list"}, locked="list")
    with pytest.raises(Conflict, match="2 images in the repository shop-dev could not be deleted: amd64 is referenced"):
        empty(search, registry, monkeypatch)
