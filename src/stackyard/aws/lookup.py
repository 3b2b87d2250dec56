"""Questions to DNS: the addresses of a name, asked of the system or of one server, and who a zone is delegated to
(RFC 1035)."""

import ipaddress
import secrets
import socket
import struct
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

Server = tuple[str, int]

_A, _NS, _SOA, _AAAA = 1, 2, 6, 28
_KINDS = {_A: 4, _AAAA: 16}  # the length of their addresses in bytes
_CODES = {1: "could not read the question", 2: "failed to find out", 3: "knows no such name", 5: "refused to answer"}
_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
_RECURSE = 0x0100


class NotFoundByDns(Exception):
    """No answer to the question: what was found instead. `final`: DNS says so; else it did not tell, and may in a
    moment."""

    def __init__(self, found: str, *, final: bool) -> None:
        super().__init__(found)
        self.found = found
        self.final = final


@dataclass(frozen=True)
class _Record:
    """One record of an answer; `value`: an address, or the name of a name server (of an SOA: the first one's)."""

    name: str
    kind: int
    value: str


def addresses_of(name: str, resolver: Server | None, limit: float) -> list[str]:
    """IP addresses of a host name, IPv4 first, from the DNS server `resolver` (host, port) or, when None, as this
    machine finds them. `limit`: seconds. NotFoundByDns when there is none."""
    if resolver is None:
        return _from_system(name, limit)
    deadline = time.monotonic() + limit
    for kind in _KINDS:
        # Aliases are followed by the server, which gives their addresses in the same answer.
        if found := [record.value for record in _ask(name, kind, resolver, deadline) if record.kind == kind]:
            return found
    raise NotFoundByDns(f"{name} exists, but has no address.", final=True)


def delegation_of(zone: str, resolver: Server | None, limit: float) -> set[str]:
    """The name servers that the zone's parent has for it, as the parent's own servers tell, in lower case. Empty: the
    parent does not delegate it. `resolver`: the DNS server to find the parent's with, whose port is taken for theirs
    too; None: this machine's. NotFoundByDns when the parent cannot be found or asked."""
    resolver = resolver or system_resolver()
    deadline = time.monotonic() + limit
    problem = NotFoundByDns(f"No zone above {zone} was found.", final=True)
    for host in _parent_servers(zone, resolver, deadline):
        try:
            address = addresses_of(host, resolver, deadline - time.monotonic())[0]
            records = _ask(zone, _NS, (address, resolver[1]), deadline, flags=0)
        except NotFoundByDns as error:
            if error.final:
                return set()
            problem = error
        else:
            return {record.value for record in records if record.kind == _NS and record.name == zone}
    raise problem


def authority_of(zone: str, servers: Iterable[str], resolver: Server | None, limit: float) -> str:
    """The first of these name servers that answers as one that knows the zone (it has its SOA record). `resolver` as
    for `delegation_of`. NotFoundByDns when none does; `final` when at least one said that it does not."""
    resolver = resolver or system_resolver()
    deadline = time.monotonic() + limit
    problem = NotFoundByDns(f"{zone} has no name servers.", final=True)
    for host in sorted(servers):
        try:
            address = addresses_of(host, resolver, deadline - time.monotonic())[0]
            records = _ask(zone, _SOA, (address, resolver[1]), deadline, flags=0)
        except NotFoundByDns as error:
            problem = error if not problem.final or error.final else problem
            continue
        if any(record.kind == _SOA and record.name == zone for record in records):
            return host
        problem = NotFoundByDns(f"{host} does not know {zone}.", final=True)
    raise problem


def system_resolver() -> Server:
    """This machine's first DNS server. NotFoundByDns when none is configured."""
    try:
        lines = Path("/etc/resolv.conf").read_text(errors="replace").splitlines()
    except OSError as error:
        raise NotFoundByDns(f"This machine's DNS servers cannot be read: {error.strerror}.", final=False) from error
    for words in map(str.split, lines):
        if len(words) > 1 and words[0] == "nameserver":
            return words[1], 53
    raise NotFoundByDns("This machine has no DNS server.", final=False)


def _parent_servers(zone: str, resolver: Server, deadline: float) -> list[str]:
    """The name servers of the nearest zone above, which need not be one label up."""
    _, _, parent = zone.partition(".")
    while parent:
        try:
            records = _ask(parent, _NS, resolver, deadline)
        except NotFoundByDns as error:
            if not error.final:
                raise
            records = []
        if found := [record.value for record in records if record.kind == _NS and record.name == parent]:
            return found
        _, _, parent = parent.partition(".")
    return []


def _from_system(name: str, limit: float) -> list[str]:
    """The system's own call knows no limit, so it is left alone when it takes too long."""
    answer: list[list[str] | OSError] = []

    def ask() -> None:
        try:
            found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
            addresses = dict.fromkeys(str(item[4][0]) for item in found)
            answer.append(sorted(addresses, key=lambda address: ":" in address))
        except (OSError, UnicodeError) as error:  # a label that no name can have is a UnicodeError
            answer.append(error if isinstance(error, OSError) else OSError(socket.EAI_NONAME, str(error)))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(limit)
    if not answer:
        raise NotFoundByDns(f"DNS did not answer within {limit:g} s.", final=False)
    if isinstance(answer[0], OSError):
        raise NotFoundByDns(f"DNS: {answer[0].strerror}.", final=answer[0].errno in _NO_SUCH_NAME)
    return answer[0]


def _ask(name: str, kind: int, server: Server, deadline: float, *, flags: int = _RECURSE) -> list[_Record]:
    """The records of one answer: of its answer section, and of the section that points to other servers."""
    try:
        labels = [label.encode("idna") for label in name.split(".")]
    except UnicodeError as error:
        raise NotFoundByDns(f"{name} cannot be a host name: {error}.", final=True) from error
    if not all(labels):
        raise NotFoundByDns(f"{name} cannot be a host name: a part of it is empty.", final=True)
    question = b"".join(bytes([len(label)]) + label for label in labels) + struct.pack("!BHH", 0, kind, 1)
    query = struct.pack("!6H", secrets.randbits(16), flags, 1, 0, 0, 0) + question
    where = f"{server[0]}:{server[1]}"
    with socket.socket(socket.AF_INET6 if ":" in server[0] else socket.AF_INET, socket.SOCK_DGRAM) as connection:
        try:
            connection.connect(server)
            connection.send(query)
            while True:
                connection.settimeout(max(deadline - time.monotonic(), 0.001))
                answer = connection.recv(4096)
                if answer[:2] == query[:2]:  # else a stray or forged one
                    return _read(answer, where)
        except TimeoutError as error:
            raise NotFoundByDns(f"The DNS server {where} did not answer in time.", final=False) from error
        except OSError as error:
            raise NotFoundByDns(f"The DNS server {where} cannot be asked: {error.strerror}.", final=False) from error


def _read(answer: bytes, where: str) -> list[_Record]:
    try:
        _, flags, questions, answers, referrals, _ = struct.unpack_from("!6H", answer)
        if code := flags & 15:
            said = _CODES.get(code, f"answered with code {code}")
            raise NotFoundByDns(f"The DNS server {where} {said}.", final=code == 3)
        place = 12
        for _ in range(questions):
            place = _read_name(answer, place)[1] + 4
        found = []
        for _ in range(answers + referrals):
            name, place = _read_name(answer, place)
            kind, _, _, length = struct.unpack_from("!HHIH", answer, place)
            place += 10
            if kind in (_NS, _SOA):  # an SOA begins with the name of the zone's first server
                found.append(_Record(name, kind, _read_name(answer, place)[0]))
            elif length == _KINDS.get(kind):
                found.append(_Record(name, kind, str(ipaddress.ip_address(answer[place : place + length]))))
            place += length
        return found
    except (struct.error, IndexError, ValueError) as error:
        raise NotFoundByDns(f"The DNS server {where} answered something else than DNS.", final=False) from error


def _read_name(answer: bytes, place: int) -> tuple[str, int]:
    """A name in lower case, and where it ends. A part of two bytes points to the rest of the name, further ahead."""
    labels: list[str] = []
    after = 0
    while length := answer[place]:
        if length >= 0xC0:
            target = (length & 0x3F) << 8 | answer[place + 1]
            after = after or place + 2
            if target >= place:
                raise ValueError("a name that points to itself")
            place = target
        else:
            labels.append(answer[place + 1 : place + 1 + length].decode("ascii", "replace").lower())
            place += length + 1
    return ".".join(labels), after or place + 1
