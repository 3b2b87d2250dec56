"""The live part of the proof: what somebody meets who opens the environment's address, from this machine."""

import http.client
import socket
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stackyard.aws.hops.path import Broken
from stackyard.aws.lookup import NotFoundByDns, addresses_of
from stackyard.aws.path_proof import Hop
from stackyard.errors import shown

LIMIT = 5.0
HTTPS_PORT = 443

DELEGATION = (
    "A new record needs a minute. If it stays so, compare the name servers of the sandbox's zone with those that its "
    "parent zone has for it."
)
WAY_TO_BALANCER = "Check the load balancer's listener on port 443 and whom its security group lets in."
# What OpenSSL says of a certificate (x509_vfy.h), and what to do about it.
_CERTIFICATES = {
    9: "Check this machine's clock, and from when on the certificate is valid.",
    10: "Renew it: ACM does so by itself while the record that proves its name is in the zone.",
    18: "Give the listener a certificate of ACM.",
    19: "Give the listener a certificate of ACM, or trust the authority that issued it.",
    20: "Give the listener a certificate of ACM, or trust the authority that issued it.",
    21: "Give the listener a certificate of ACM with its whole chain.",
    62: "Add a certificate for this name to the listener.",
}
_ANSWERS = {
    502: "The application closes the connection or answers no HTTP: look at its log, its port and its protocol.",
    503: "The load balancer has no healthy target: look at the service's tasks and at the health check.",
    504: "The application does not answer in time: look at its log and its security group.",
}
# Who puts itself into the header Server when it answers in the place of the application.
_FRONTS = {"awselb/2.0": "the load balancer", "cloudfront": "CloudFront"}


def probe_live(
    fqdn: str,
    *,
    address: tuple[str, int] | None = None,
    resolver: tuple[str, int] | None = None,
    trust: Path | None = None,
    path: str = "/",
    limit: float = LIMIT,
) -> list[Hop]:
    """Look the name up, make a TLS connection that checks chain and name, and ask for `path` over it. Three hops,
    `dns`, `tls` and `https`, which end at the first broken one as those of the path proof do; nothing is raised.

    `address`: host and port to connect to in place of port 443 of what DNS says; the lookup then is left out unless
    there is a `resolver`, the host and port of a DNS server to ask in place of the system's. `trust`: a file with the
    authorities to trust (PEM) in place of the system's. `limit`: seconds for each hop to wait. An answer below 500
    that is the application's own holds: what it says to `path` is its own affair."""
    name = fqdn.rstrip(".").lower()
    probe = _Probe(name, address, resolver, trust, path, limit)
    steps = [
        ("dns", "DNS lookup", f"DNS knows an address of {name}.", probe.dns),
        ("tls", "TLS handshake", "The certificate is trusted, in date, and for this name.", probe.tls),
        ("https", "HTTPS answer", f"The application answers to GET {shown(path)}.", probe.https),
    ]
    hops: list[Hop] = []
    try:
        for key, title, checked, step in steps[1 if address and not resolver else 0 :]:
            if hops and not hops[-1].ok:
                hops.append(Hop(key, title, None, checked, "Not reached.", "", 0.0))
            else:
                hops.append(_hop(key, title, checked, step))
    finally:
        probe.close()
    return hops


def _hop(key: str, title: str, checked: str, step: Callable[[], str]) -> Hop:
    began = time.monotonic()
    ok, fix = True, ""
    try:
        found = step()
    except Broken as broken:
        ok, found, fix = False, broken.found, broken.fix
    return Hop(key, title, ok, checked, found, fix, round(time.monotonic() - began, 3))


class _Probe:
    """One probe: each step leaves to the next what it found."""

    def __init__(
        self,
        name: str,
        address: tuple[str, int] | None,
        resolver: tuple[str, int] | None,
        trust: Path | None,
        path: str,
        limit: float,
    ) -> None:
        self._name = name
        self._places = [address] if address else []
        self._resolver = resolver
        self._trust = trust
        self._path = path
        self._limit = limit
        self._connection: ssl.SSLSocket | None = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def dns(self) -> str:
        try:
            found = addresses_of(self._name, self._resolver, self._limit)
        except NotFoundByDns as missing:
            fix = DELEGATION if missing.final else "Check the DNS server, then prove the path again."
            raise Broken(missing.found, fix) from missing
        self._places = self._places or [(address, HTTPS_PORT) for address in found]
        return f"{', '.join(found)}."

    def tls(self) -> str:
        try:
            context = ssl.create_default_context(cafile=str(self._trust) if self._trust else None)
        except (OSError, ssl.SSLError) as error:
            raise Broken(f"The trusted authorities in {self._trust} cannot be read: {error}", "Correct it.") from error
        raw = self._connect()
        try:
            self._connection = context.wrap_socket(raw, server_hostname=self._name)
        except ssl.SSLCertVerificationError as error:
            fix = _CERTIFICATES.get(error.verify_code, "Look at the certificates of the listener.")
            raise Broken(f"The certificate is refused: {error.verify_message.rstrip('.')}.", fix) from error
        except TimeoutError as error:
            raise Broken(f"The TLS handshake did not end within {self._limit:g} s.", WAY_TO_BALANCER) from error
        except (OSError, ValueError) as error:  # an SSLError is an OSError; a name that is no host name, a ValueError
            raise Broken(f"There is no TLS: {shown(error, 120)}", WAY_TO_BALANCER) from error
        finally:
            if self._connection is None:
                raw.close()
        return f"{self._connection.version()}, {_described(self._connection)}."

    def _connect(self) -> socket.socket:
        """To the first place that answers. All of them share the limit, as they do in a browser."""
        deadline = time.monotonic() + self._limit
        problem = Broken("There is no address to connect to.", DELEGATION)
        for place in self._places:
            where = f"{place[0]}:{place[1]}"
            try:
                return socket.create_connection(place, timeout=max(deadline - time.monotonic(), 0.001))
            except TimeoutError:
                problem = Broken(f"{where} did not answer within {self._limit:g} s.", WAY_TO_BALANCER)
            except OSError as error:
                problem = Broken(f"{where} takes no connection: {error.strerror}.", WAY_TO_BALANCER)
        raise problem

    def https(self) -> str:
        assert self._connection is not None
        self._connection.settimeout(self._limit)
        client = http.client.HTTPConnection(self._name)
        client.sock = self._connection
        try:
            client.request("GET", self._path, headers={"User-Agent": "stackyard", "Connection": "close"})
            answer = client.getresponse()
        except TimeoutError as error:
            raise Broken(f"There was no answer within {self._limit:g} s.", _ANSWERS[504]) from error
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            said = str(error) or type(error).__name__
            raise Broken(f"There was no HTTP answer: {shown(said, 120)}", _ANSWERS[502]) from error
        with answer:
            return self._judge(answer)

    def _judge(self, answer: http.client.HTTPResponse) -> str:
        front = _FRONTS.get(answer.headers.get("Server", "").lower(), "")
        said = f"{answer.status} {shown(answer.reason)}".strip()
        if answer.status >= 500:
            fix = _ANSWERS.get(answer.status, "Look at the application's log.")
            raise Broken(f"{said}{f' from {front}' if front else ''}.", fix)
        if answer.status >= 400 and front:
            raise Broken(
                f"{said} from {front}, not from the application.",
                "Look at the listener's rules for this name, and at the firewall.",
            )
        target = answer.headers.get("Location", "")
        return f"{said}{f', leads to {shown(target, 120)}' if target else ''}."


def _described(connection: ssl.SSLSocket) -> str:
    """Whose certificate it is, by whom and how long."""
    found: dict[str, Any] = connection.getpeercert() or {}
    names = [value for kind, value in found.get("subjectAltName", ()) if kind == "DNS"]
    issuer = {key: value for part in found.get("issuer", ()) for key, value in part}
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(found["notAfter"]), UTC)
    by = issuer.get("organizationName") or issuer.get("commonName") or "an unnamed authority"
    return f"certificate for {shown(', '.join(names))} by {shown(by)}, until {until:%Y-%m-%d}"
