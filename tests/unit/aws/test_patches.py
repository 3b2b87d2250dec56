"""The emulator refuses to start on a moto that its patches do not fit."""

from typing import Any

import pytest

from stackyard.aws.emulator.patches import data, identity, speed
from stackyard.errors import Unusable


def test_a_patch_whose_target_is_gone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from moto.elasticache.models import ElastiCacheBackend

    monkeypatch.delattr(ElastiCacheBackend, "delete_cache_cluster")
    with pytest.raises(Unusable, match=r"moto has changed: .*ElastiCacheBackend\.delete_cache_cluster is not there"):
        data.cache_clusters_go_when_deleted()


def test_a_patch_that_moto_has_made_needless_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from moto.elasticache.responses import ElastiCacheResponse

    monkeypatch.setattr(ElastiCacheResponse, "delete_cache_subnet_group", lambda self: None, raising=False)
    with pytest.raises(Unusable, match="delete_cache_subnet_group is there now"):
        data.cache_subnet_groups_can_be_deleted()


def test_accounts_share_the_documents_of_awss_policies(monkeypatch: pytest.MonkeyPatch) -> None:
    from moto.iam.models import IAMBackend

    monkeypatch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    monkeypatch.setattr(IAMBackend, "_init_aws_policies", vars(IAMBackend)["_init_aws_policies"])
    identity.accounts_share_managed_policies()
    accounts: list[Any] = [IAMBackend("aws", account) for account in ("111111111111", "222222222222")]
    first, second = (account.managed_policies["arn:aws:iam::aws:policy/ReadOnlyAccess"] for account in accounts)
    assert first is not second
    assert first.versions is second.versions
    assert (first.account_id, second.account_id) == ("111111111111", "222222222222")


def test_a_key_opens_its_account_and_no_other_partition_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.iam import models

    monkeypatch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "false")
    monkeypatch.setattr(models, "get_account_id_from", vars(models)["get_account_id_from"])
    speed.requests_find_their_account()
    accounts: Any = models.iam_backends
    first, second = (accounts[account]["aws"] for account in ("311111111111", "322222222222"))
    first.access_keys["AKIAFIRST"], second.access_keys["AKIASECOND"] = object(), object()
    for _ in range(2):
        assert models.get_account_id_from("AKIAFIRST") == "311111111111"
        assert models.get_account_id_from("AKIASECOND") == "322222222222"
    assert models.get_account_id_from("AKIANOBODY") == DEFAULT_ACCOUNT_ID
    assert list(accounts["311111111111"]) == ["aws"]

    second.reset()
    assert models.get_account_id_from("AKIASECOND") == DEFAULT_ACCOUNT_ID
    accounts["322222222222"]["aws"].access_keys["AKIAFIRST"] = first.access_keys.pop("AKIAFIRST")
    assert models.get_account_id_from("AKIAFIRST") == "322222222222"
