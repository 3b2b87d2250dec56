"""The live proof against a real DNS server and a real HTTPS server on loopback, each broken on purpose."""

import contextlib
import http.server
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stackyard.aws.path_proof import Hop
from stackyard.aws.probe import probe_live

NAME = "shop-dev.dev.example.com"
HERE = "127.0.0.1"
SOON = 0.25  # seconds to wait for what never comes


@dataclass
class DnsServer:
    """Answers questions for A with the addresses of `zone`; `code` other than 0: with that error; else as told."""

    zone: dict[str, list[str]] = field(default_factory=lambda: {NAME: [HERE]})
    code: int = 0
    reply: Callable[[bytes], list[bytes]] | None = None
    asked: list[int] = field(default_factory=list)

    @contextlib.contextmanager
    def running(self) -> Iterator[tuple[str, int]]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind((HERE, 0))
            thread = threading.Thread(target=self._serve, args=[server], daemon=True)
            thread.start()
            yield server.getsockname()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", server.getsockname())
            thread.join()

    def _serve(self, server: socket.socket) -> None:
        while True:
            query, asker = server.recvfrom(4096)
            if not query:
                return
            for answer in self.reply(query) if self.reply else [self.answer(query)]:
                server.sendto(answer, asker)

    def answer(self, query: bytes) -> bytes:
        labels, place = [], 12
        while query[place]:
            labels.append(query[place + 1 : place + 1 + query[place]].decode())
            place += query[place] + 1
        question, (kind,) = query[12 : place + 5], struct.unpack_from("!H", query, place + 1)
        self.asked.append(kind)
        name = ".".join(labels)
        code = self.code or (0 if name in self.zone else 3)
        # An alias comes first, as with most names at AWS, and then the addresses.
        records = [struct.pack("!HHHIH", 0xC00C, 5, 1, 60, 2) + b"\xc0\x0c"]
        for address in self.zone.get(name, []):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            if kind == (28 if ":" in address else 1):
                data = socket.inet_pton(family, address)
                records.append(struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(data)) + data)
        return query[:2] + struct.pack("!5H", 0x8180 | code, 1, len(records), 0, 0) + question + b"".join(records)


@dataclass(frozen=True)
class Authority:
    """A certificate authority of our own."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def new(cls, folder: Path) -> "Authority":
        key, name = ec.generate_private_key(ec.SECP256R1()), _name("Test Authority")
        return cls(folder, key, _certificate(name, name, key, key, authority=True))

    @property
    def file(self) -> Path:
        path = self.folder / "authority.pem"
        path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def issue(self, *names: str, days: int = 30, self_signed: bool = False) -> ssl.SSLContext:
        """What a server needs that has a certificate for `names`, which ends in `days`."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = _name(names[0]) if self_signed else self.certificate.subject
        made = _certificate(_name(names[0]), issuer, key, key if self_signed else self.key, names=names, days=days)
        file = self.folder / "server.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + made.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    names: tuple[str, ...] = (),
    days: int = 30,
    authority: bool = False,
) -> x509.Certificate:
    end = datetime.now(UTC) + timedelta(days=days)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=30, hours=1))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    return builder.sign(signer, hashes.SHA256())


@contextlib.contextmanager
def https(
    context: ssl.SSLContext | None, status: int = 200, headers: dict[str, str] | None = None
) -> Iterator[tuple[str, int]]:
    """A server that answers every GET with `status`; `context` None: without TLS."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(status)
            for key, value in {"Server": "app", "X-Host": self.headers["Host"], **(headers or {})}.items():
                self.send_header(key, value)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            pass  # a client that refuses the certificate goes away

        def finish_request(self, request: Any, client_address: Any) -> None:
            super().finish_request(
                context.wrap_socket(request, server_side=True) if context else request, client_address
            )

    with Server((HERE, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server.server_address  # type: ignore[misc]
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def raw_server(context: ssl.SSLContext | None, answer: bytes | None) -> Iterator[tuple[str, int]]:
    """A server that takes one connection and sends `answer`, or nothing for as long as it is asked (None)."""
    ended = threading.Event()

    def serve() -> None:
        with contextlib.suppress(OSError):
            taken, _ = listener.accept()
            connection = context.wrap_socket(taken, server_side=True) if context else taken
            with connection:
                if answer is None:
                    ended.wait()
                else:
                    connection.recv(4096)
                    connection.sendall(answer)

    with socket.create_server((HERE, 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.new(tmp_path)


@pytest.fixture
def probe(authority: Authority) -> Callable[..., list[Hop]]:
    """Probe with a DNS server that knows the name and a trusted authority, unless told otherwise."""

    def run(address: tuple[str, int], dns: DnsServer | None = None, **options: Any) -> list[Hop]:
        with (dns or DnsServer()).running() as resolver:
            options = {"resolver": resolver, "trust": authority.file, "limit": 5.0, **options}
            return probe_live(NAME, address=address, **options)

    return run


def verdicts(hops: list[Hop]) -> list[tuple[str, bool | None]]:
    return [(hop.name, hop.ok) for hop in hops]


def broken(hops: list[Hop], name: str) -> Hop:
    """The broken hop, which must be this one; what lies before it holds, what lies after it was not reached."""
    place = [hop.name for hop in hops].index(name)
    assert [hop.ok for hop in hops] == [True] * place + [False] + [None] * (len(hops) - place - 1), hops
    assert hops[place].fix
    return hops[place]


Probe = Callable[..., list[Hop]]


def test_a_name_that_answers_is_green(authority: Authority, probe: Probe) -> None:
    with https(authority.issue("*.dev.example.com")) as server:
        hops = probe(server)
    assert verdicts(hops) == [("dns", True), ("tls", True), ("https", True)]
    assert hops[0].found == "127.0.0.1."
    assert hops[1].found.startswith("TLSv1.3, certificate for *.dev.example.com by Test Authority, until 20")
    assert hops[2].found == "200 OK."
    assert all(hop.seconds >= 0 and not hop.fix for hop in hops)


def test_an_address_alone_needs_no_dns(authority: Authority) -> None:
    with https(authority.issue(NAME)) as server:
        hops = probe_live(f"{NAME.upper()}.", address=server, trust=authority.file)
    assert verdicts(hops) == [("tls", True), ("https", True)]


def test_the_system_is_asked_when_no_dns_server_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    found = broken(probe_live(NAME), "dns")
    assert found.found == "DNS: Name or service not known."
    assert "name servers" in found.fix


def test_a_system_that_takes_too_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: ended.wait() and [])
    found = broken(probe_live(NAME, limit=SOON), "dns")
    ended.set()
    assert found.found == "DNS did not answer within 0.25 s."


def test_a_name_with_ipv6_alone_is_found() -> None:
    dns = DnsServer(zone={NAME: ["::1"]})
    with dns.running() as resolver, socket.socket() as unused:
        unused.bind((HERE, 0))
        hops = probe_live(NAME, address=unused.getsockname(), resolver=resolver)
    assert hops[0].found == "::1."
    assert dns.asked == [1, 28]


def garbled(query: bytes) -> list[bytes]:
    return [query[:2] + b"\x81\x80\x00\x01\x00\x07garbage"]


@pytest.mark.parametrize(
    ("dns", "reason"),
    [
        (DnsServer(zone={}), "knows no such name"),
        (DnsServer(zone={NAME: []}), "exists, but has no address"),
        (DnsServer(code=2), "failed to find out"),
        (DnsServer(code=5), "refused to answer"),
        (DnsServer(code=9), "answered with code 9"),
        (DnsServer(reply=garbled), "something else than DNS"),
        (DnsServer(reply=lambda query: [b"\x00"]), "did not answer in time"),
        (DnsServer(reply=lambda query: []), "did not answer in time"),
    ],
)
def test_a_broken_lookup_is_named(dns: DnsServer, reason: str, probe: Probe) -> None:
    assert reason in broken(probe((HERE, 1), dns, limit=SOON), "dns").found


def test_a_stray_answer_is_passed_over(authority: Authority, probe: Probe) -> None:
    dns = DnsServer()
    dns.reply = lambda query: [bytes([query[0] ^ 1]) + dns.answer(query)[1:], dns.answer(query)]
    with https(authority.issue(NAME)) as server:
        assert [hop.ok for hop in probe(server, dns)] == [True] * 3


def test_a_dns_server_that_is_not_there_is_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.bind((HERE, 0))
        nowhere = unused.getsockname()
    found = broken(probe_live(NAME, address=(HERE, 1), resolver=nowhere), "dns")
    assert found.found.endswith("cannot be asked: Connection refused.")


@pytest.mark.parametrize("name", [f"{'a' * 64}.example.com", "a..example.com"])
def test_what_cannot_be_a_name_is_named(name: str) -> None:
    with DnsServer().running() as resolver:
        assert "cannot be a host name" in broken(probe_live(name, resolver=resolver), "dns").found


def test_a_refused_connection_is_named(probe: Probe) -> None:
    with socket.socket() as unused:  # bound, but not listening
        unused.bind((HERE, 0))
        found = broken(probe(unused.getsockname()), "tls")
    assert found.found.endswith("takes no connection: Connection refused.")
    assert "security group" in found.fix


@pytest.mark.parametrize(
    ("names", "options", "reason"),
    [
        ([NAME], {"days": -1}, "certificate has expired"),
        ([NAME], {"days": 60}, "certificate is not yet valid"),
        (["other.dev.example.com"], {}, f"certificate is not valid for '{NAME}'"),
        (["*.example.com"], {}, f"certificate is not valid for '{NAME}'"),
        ([NAME], {"self_signed": True}, "self-signed certificate"),
    ],
)
def test_a_bad_certificate_is_named(
    names: list[str], options: dict[str, Any], reason: str, authority: Authority, probe: Probe
) -> None:
    with https(authority.issue(*names, **options)) as server:
        found = broken(probe(server), "tls").found
    assert reason in found.replace("self signed", "self-signed")


def test_an_authority_that_nobody_trusts_is_named(authority: Authority, probe: Probe, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Authority.new(tmp_path / "other")
    with https(authority.issue(NAME)) as server:
        for trust in (other.file, None):
            found = broken(probe(server, trust=trust), "tls")
            assert "unable to get local issuer certificate" in found.found or "signature failure" in found.found
            assert "listener" in found.fix


def test_authorities_that_cannot_be_read_are_named(tmp_path: Path, probe: Probe) -> None:
    (tmp_path / "empty.pem").touch()
    for file in ("empty.pem", "missing.pem"):
        assert f"{file} cannot be read" in broken(probe((HERE, 1), trust=tmp_path / file), "tls").found


def test_a_server_without_tls_is_named(probe: Probe) -> None:
    with https(None) as server:
        assert broken(probe(server), "tls").found.startswith("There is no TLS: ")


def test_a_handshake_that_does_not_end_is_named(probe: Probe) -> None:
    with raw_server(None, None) as server:
        assert broken(probe(server, limit=SOON), "tls").found == "The TLS handshake did not end within 0.25 s."


def test_an_address_that_does_not_answer_is_named(probe: Probe) -> None:
    """A listener whose queue is full answers no further connection, as a closed security group does."""
    with socket.socket() as listener, contextlib.ExitStack() as waiting:
        listener.bind((HERE, 0))
        listener.listen(0)
        for _ in range(4):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        found = broken(probe(listener.getsockname(), limit=SOON), "tls")
    assert found.found.endswith("did not answer within 0.25 s.")


@pytest.mark.parametrize(
    ("status", "headers", "found"),
    [
        (200, {}, "200 OK."),
        (302, {"Location": "/login"}, "302 Found, leads to /login."),
        (401, {}, "401 Unauthorized."),
        (404, {}, "404 Not Found."),
    ],
)
def test_what_the_application_says_to_the_path_is_its_own_affair(
    status: int, headers: dict[str, str], found: str, authority: Authority, probe: Probe
) -> None:
    with https(authority.issue(NAME), status, headers) as server:
        hop = probe(server)[2]
    assert (hop.ok, hop.found) == (True, found)


@pytest.mark.parametrize(
    ("status", "server_name", "found", "fix"),
    [
        (503, "awselb/2.0", "503 Service Unavailable from the load balancer.", "no healthy target"),
        (502, "awselb/2.0", "502 Bad Gateway from the load balancer.", "application"),
        (504, "CloudFront", "504 Gateway Timeout from CloudFront.", "in time"),
        (500, "app", "500 Internal Server Error.", "log"),
        (404, "awselb/2.0", "404 Not Found from the load balancer, not from the application.", "rules"),
        (403, "CloudFront", "403 Forbidden from CloudFront, not from the application.", "firewall"),
    ],
)
def test_a_broken_answer_is_named(
    status: int, server_name: str, found: str, fix: str, authority: Authority, probe: Probe
) -> None:
    with https(authority.issue(NAME), status, {"Server": server_name}) as server:
        hop = broken(probe(server), "https")
    assert hop.found == found
    assert fix in hop.fix


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 2"])
def test_what_is_no_http_is_named(answer: bytes, authority: Authority, probe: Probe) -> None:
    with raw_server(authority.issue(NAME), answer) as server:
        assert broken(probe(server), "https").found.startswith("There was no HTTP answer: ")


def test_an_answer_that_does_not_come_is_named(authority: Authority, probe: Probe) -> None:
    with raw_server(authority.issue(NAME), None) as server:
        assert broken(probe(server, limit=SOON), "https").found == "There was no answer within 0.25 s."


def test_a_path_that_cannot_be_asked_for_is_named(authority: Authority, probe: Probe) -> None:
    with https(authority.issue(NAME)) as server:
        found = broken(probe(server, path="/a b\r\nX-Evil: 1"), "https")
    assert found.found.startswith("There was no HTTP answer: URL can't contain control characters")
