"""Secrets at rest."""

import pytest
from django.test import override_settings

from stackyard.cmdb.sealing import seal, unseal
from stackyard.errors import Unusable


def test_what_was_sealed_comes_back_and_cannot_be_read_before() -> None:
    values = {"password": "canary-ä", "list": [1, {"a": None}]}
    text = seal(values)
    assert "canary" not in text
    assert unseal(text) == values
    assert seal({}) == ""
    assert unseal("") == {}


def test_another_installation_cannot_open_it() -> None:
    text = seal({"password": "canary"})
    with override_settings(SECRET_KEY="another"), pytest.raises(Unusable, match="another secret key"):
        unseal(text)
