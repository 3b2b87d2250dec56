"""Lines of our own and of libraries have one form, and no secret gets into them."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from stackyard.cli.server.logging import configure_logging
from stackyard.settings import Settings


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


SECRETS = {
    "token": "sy_0123456789abcdefghij",
    "address": "hunter2",
    "key": "AKIAIOSFODNN7EXAMPLE",
    "named": "correct-horse",
    "nested": "battery-staple",
}


def log_everything() -> None:
    log = structlog.get_logger("stackyard.test")
    log.info(f"using {SECRETS['token']}", url=f"postgresql://me:{SECRETS['address']}@db/x", key=SECRETS["key"])
    log.info("signing in", password=SECRETS["named"], request={"Authorization": SECRETS["nested"]})
    logging.getLogger("library").warning("connecting to postgresql://me:%s@db", SECRETS["address"])
    try:
        password = SECRETS["named"]
        raise ValueError(f"no such token: {SECRETS['token']}" if password else "")
    except ValueError:
        log.exception("failed")
        logging.getLogger("library").exception("failed too")


@pytest.mark.parametrize("as_json", [True, False])
def test_no_secret_is_written(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    configure_logging(Settings(log_json=as_json))
    log_everything()
    written = capsys.readouterr()
    assert written.out == ""
    assert [name for name, secret in SECRETS.items() if secret in written.err] == []
    assert "signing in" in written.err
    assert "db" in written.err, "what is not secret stays"
    assert "Traceback" in written.err


def test_json_lines_are_json_whoever_wrote_them(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_json=True))
    log_everything()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert {line["logger"] for line in lines} == {"stackyard.test", "library"}
    assert {line["level"] for line in lines} == {"info", "warning", "error"}


def test_the_level_is_kept_and_an_unknown_one_is_info(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_level="error"))
    structlog.get_logger("x").warning("hardly")
    configure_logging(Settings(log_level="LOUD"))
    structlog.get_logger("x").info("rather")
    structlog.get_logger("x").debug("hardly")
    written = capsys.readouterr().err
    assert "rather" in written
    assert "hardly" not in written
