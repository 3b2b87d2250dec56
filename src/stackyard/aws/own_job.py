"""A job on its own machine, with its own role: its secrets, its events while it works, its results at the end."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from stackyard.aws.jobs import RESULT, STOP, begin_or_hinder, chunk_key, told
from stackyard.errors import Conflict

PAUSE_SECONDS = 2.0


def secrets_given(name: str) -> dict[str, str]:
    """What was handed over to the job. Raises Unavailable."""
    with told(f"read the secret {name}"):
        text: str = boto3.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    return {str(key): str(value) for key, value in json.loads(text).items()}


def deliver(folder: Path, results: str) -> None:
    """Bring what the job left to `s3://bucket/prefix/`, the result last. Raises Unavailable."""
    bucket, prefix = _place(results)
    s3 = boto3.client("s3")
    files = sorted((f for f in folder.iterdir() if f.is_file()), key=lambda f: f.name == RESULT)
    with told(f"bring the results to {results}"):
        for file in files:
            s3.upload_file(str(file), bucket, f"{prefix}{file.name}")


class Events:
    """Brings what a job says to its results while it works, and hears there that it is to stop. Use it in a `with`
    block, which raises Conflict when somebody has begun this very job before: it is done once.

    An event that cannot be brought is no reason to end an apply: it is tried again, and the machine's log has it, too.
    """

    def __init__(self, results: str, on_stop: Callable[[], None], pause_seconds: float = PAUSE_SECONDS) -> None:
        self._bucket, self._prefix = _place(results)
        self._on_stop, self._pause_seconds = on_stop, pause_seconds
        self._s3: Any = boto3.client("s3")
        self._lines: list[str] = []
        self._lock = threading.Lock()
        self._chunk = 0
        self._stopped = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="events", daemon=True)

    def say(self, line: str) -> None:
        """One line, for whoever follows the job."""
        with self._lock:
            self._lines.append(line)

    def __enter__(self) -> "Events":
        with told("begin the job"):
            begins = begin_or_hinder(self._s3, self._bucket, self._prefix)
        if not begins:
            raise Conflict("This job was begun elsewhere, or given up.", hint="It is done once only.")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._bring()

    def _work(self) -> None:
        while not self._over.is_set():
            self._bring()
            if not self._stopped and self._is_to_stop():
                self._stopped = True
                self._on_stop()
            self._over.wait(self._pause_seconds)

    def _bring(self) -> None:
        with self._lock:
            lines = tuple(self._lines)
        if not lines:
            return
        body = "".join(f"{line}\n" for line in lines).encode()
        with suppress(ClientError, BotoCoreError, Boto3Error):
            self._s3.put_object(Bucket=self._bucket, Key=chunk_key(self._prefix, self._chunk + 1), Body=body)
            self._chunk += 1
            with self._lock:
                del self._lines[: len(lines)]

    def _is_to_stop(self) -> bool:
        with suppress(ClientError, BotoCoreError):
            self._s3.head_object(Bucket=self._bucket, Key=f"{self._prefix}{STOP}")
            return True
        return False


def _place(results: str) -> tuple[str, str]:
    bucket, _, prefix = results.removeprefix("s3://").partition("/")
    return bucket, prefix
