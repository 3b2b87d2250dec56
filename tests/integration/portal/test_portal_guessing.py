"""Passwords cannot be guessed by trying, and nobody is kept out for ever by those who try."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from stackyard.cmdb.guessing import FREE_TRIES, LONGEST_WAIT_SECONDS, MANY, WAIT_IF_MANY_SECONDS, seconds_to_wait
from stackyard.cmdb.models import FailedSignIn

HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def rika(db: None) -> User:
    return User.objects.create_user("rika", password="right-one-9", is_staff=True)


def attempt(password: str, address: str = HERE, name: str = "rika", page: str = "/login/") -> Any:
    return Client(REMOTE_ADDR=address).post(page, {"username": name, "password": password})


def later(seconds: float) -> None:
    for row in FailedSignIn.objects.all():
        FailedSignIn.objects.filter(pk=row.pk).update(at=row.at - dt.timedelta(seconds=seconds))


@pytest.mark.parametrize("page", ["/login/", "/admin/login/"])
def test_after_a_few_wrong_ones_even_the_right_one_has_to_wait(rika: User, page: str) -> None:
    for _ in range(FREE_TRIES):
        assert attempt("wrong", page=page).status_code == 200
    assert attempt("right-one-9", page=page).status_code == 200
    told = attempt("right-one-9").content.decode()
    assert "Too many wrong passwords" in told
    assert FailedSignIn.objects.count() == FREE_TRIES, "what was not looked at does not count"
    later(6)
    assert attempt("right-one-9", page=page).status_code == 302
    assert not FailedSignIn.objects.exists()


def test_each_further_one_waits_longer_but_never_for_ever(rika: User) -> None:
    waits = []
    for _ in range(FREE_TRIES + 12):
        attempt("wrong")
        waits.append(seconds_to_wait("rika", HERE))
        later(waits[-1])
    assert waits[: FREE_TRIES - 1] == [0] * (FREE_TRIES - 1)
    assert waits[FREE_TRIES - 1] < waits[FREE_TRIES] < waits[FREE_TRIES + 1]
    assert max(waits) <= LONGEST_WAIT_SECONDS


def test_who_guesses_elsewhere_does_not_keep_the_person_out(rika: User) -> None:
    for _ in range(FREE_TRIES + 1):
        attempt("wrong", THERE)
    assert seconds_to_wait("rika", THERE) > 0
    assert attempt("right-one-9", HERE).status_code == 302
    assert seconds_to_wait("rika", THERE) > 0, "the guesser's own count stays"


def test_many_addresses_or_many_names_wait_too(rika: User) -> None:
    now = timezone.now()
    FailedSignIn.objects.bulk_create(FailedSignIn(name="rika", address=f"10.0.0.{n}", at=now) for n in range(MANY))
    assert 0 < seconds_to_wait("rika", HERE) <= WAIT_IF_MANY_SECONDS
    FailedSignIn.objects.bulk_create(FailedSignIn(name=f"n{n}", address=THERE, at=now) for n in range(MANY))
    assert 0 < seconds_to_wait("pat", THERE) <= WAIT_IF_MANY_SECONDS
    assert seconds_to_wait("pat", HERE) == 0


def test_what_is_typed_as_a_name_is_only_counted(rika: User) -> None:
    for name in ("x" * 500, "'; DROP TABLE x", "\u202erika", "nul\0"):
        assert attempt("wrong", name=name).status_code == 200
    assert FailedSignIn.objects.filter(name="'; drop table x").exists()
