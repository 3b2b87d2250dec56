"""Failures on request: a WSGI layer before moto that answers chosen AWS actions by an error."""

import io
import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from http.client import responses
from typing import Any

from stackyard.aws.emulator.actions import Action, Request, parse_form
from stackyard.aws.emulator.error_bodies import error_answer
from stackyard.errors import Invalid

CONTROL = "/_stackyard"
"""Path of the requests that steer the emulator. No S3 bucket can have this name: it has an underscore."""

StartResponse = Callable[..., Any]


@dataclass(frozen=True)
class Fault:
    """One action that fails: an error's `code`, `message` and HTTP `status`. `code` empty: as the service denies
    access. `times`: how often; None for ever."""

    action: Action
    code: str
    message: str
    status: int
    times: int | None

    @classmethod
    def of(
        cls, action: str, *, code: str = "", message: str = "", status: int = 0, times: int | None = None
    ) -> "Fault":
        """From an action's name, with what is empty filled in; Invalid for an unknown action. Denied access is the
        default because neither the SDKs nor Terraform's provider try again then; a server error they would repeat for
        minutes."""
        known = Action.parse(action)
        message = message or f"The emulator was told to fail {known}."
        return cls(known, code, message, status or (400 if code else 403), times)


class FaultInjector:
    """WSGI application: answers actions that are to fail, and hands all else to `application`."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self.application: Callable[[dict[str, Any], StartResponse], Iterable[bytes]] | None = None
        self._lock = threading.Lock()
        self._faults = list(faults)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """One request."""
        assert self.application is not None
        if environ.get("PATH_INFO", "").startswith(CONTROL):
            return self._control(environ, start_response)
        if self._faults:
            request = _read_request(environ)
            found = self._take(request)
            if found is not None:
                return _fail(*found, request, start_response)
        return self.application(environ, start_response)

    def _take(self, request: Request) -> tuple[Fault, str] | None:
        """The fault that this request meets, and the service that has to answer by it. Counts it down."""
        with self._lock:
            for index, fault in enumerate(self._faults):
                for service in fault.action.services:
                    if request.is_for(service, fault.action.operation):
                        if fault.times is not None:
                            rest = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                            self._faults[index : index + 1] = rest
                        return fault, service
        return None

    def _control(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """`GET ready`, `POST faults` (the arguments of `Fault.of` as JSON), `DELETE faults`."""
        status, answer = "204 No Content", b""
        match environ["REQUEST_METHOD"], environ["PATH_INFO"].removeprefix(CONTROL):
            case "GET", "/ready":
                pass
            case "DELETE", "/faults":
                with self._lock:
                    self._faults.clear()
            case "POST", "/faults":
                try:
                    fault = Fault.of(**json.loads(_read_body(environ)))
                except (Invalid, TypeError, ValueError) as error:
                    status, answer = "400 Bad Request", str(error).encode()
                else:
                    with self._lock:
                        self._faults.append(fault)
            case _:
                status = "404 Not Found"
        start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))])
        return [answer]


def _fail(fault: Fault, service: str, request: Request, start_response: StartResponse) -> Iterable[bytes]:
    headers, body = error_answer(service, request, code=fault.code, message=fault.message, status=fault.status)
    headers["Content-Length"] = str(len(body))
    start_response(f"{fault.status} {responses.get(fault.status, 'Error')}", list(headers.items()))
    return [] if request.method == "HEAD" else [body]


def _read_request(environ: dict[str, Any]) -> Request:
    """The request; its body, if it is a form, is put back for the application to read again."""
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    form = {}
    if str(environ.get("CONTENT_TYPE", "")).startswith("application/x-www-form-urlencoded"):
        body = _read_body(environ)
        environ["wsgi.input"] = io.BytesIO(body)
        form = parse_form(body.decode(errors="replace"))
    return Request(
        method=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO", ""),
        query=parse_form(environ.get("QUERY_STRING", "")),
        headers=headers,
        form=form,
    )


def _read_body(environ: dict[str, Any]) -> bytes:
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return body
