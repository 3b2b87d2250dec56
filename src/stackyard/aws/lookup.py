"""The addresses of a name: asked of the system, or of one DNS server (RFC 1035)."""

import ipaddress
import secrets
import socket
import struct
import threading
import time

_CODES = {1: "could not read the question", 2: "failed to find out", 3: "knows no such name", 5: "refused to answer"}
_KINDS = {1: 4, 28: 16}  # A and AAAA: the length of their addresses in bytes
_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


class NotFoundByDns(Exception):
    """No address: what was found instead. `final`: DNS says so; else it did not tell, and may in a moment."""

    def __init__(self, found: str, *, final: bool) -> None:
        super().__init__(found)
        self.found = found
        self.final = final


def addresses_of(name: str, resolver: tuple[str, int] | None, limit: float) -> list[str]:
    """IP addresses of a host name, IPv4 first, from the DNS server `resolver` (host, port) or, when None, as this
    machine finds them. `limit`: seconds. NotFoundByDns when there is none."""
    if resolver is None:
        return _from_system(name, limit)
    deadline = time.monotonic() + limit
    found = _ask(name, 1, resolver, deadline) or _ask(name, 28, resolver, deadline)
    if not found:
        raise NotFoundByDns(f"{name} exists, but has no address.", final=True)
    return found


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


def _ask(name: str, kind: int, server: tuple[str, int], deadline: float) -> list[str]:
    number = secrets.randbits(16)
    try:
        labels = [label.encode("idna") for label in name.split(".")]
    except UnicodeError as error:
        raise NotFoundByDns(f"{name} cannot be a host name: {error}.", final=True) from error
    if not all(labels):
        raise NotFoundByDns(f"{name} cannot be a host name: a part of it is empty.", final=True)
    question = b"".join(bytes([len(label)]) + label for label in labels) + struct.pack("!BHH", 0, kind, 1)
    query = struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + question
    where = f"{server[0]}:{server[1]}"
    with socket.socket(socket.AF_INET6 if ":" in server[0] else socket.AF_INET, socket.SOCK_DGRAM) as connection:
        try:
            connection.connect(server)
            connection.send(query)
            while True:
                connection.settimeout(max(deadline - time.monotonic(), 0.001))
                answer = connection.recv(4096)
                if answer[:2] == query[:2]:  # else a stray or forged one
                    return _addresses(answer, kind, where)
        except TimeoutError as error:
            raise NotFoundByDns(f"The DNS server {where} did not answer in time.", final=False) from error
        except OSError as error:
            raise NotFoundByDns(f"The DNS server {where} cannot be asked: {error.strerror}.", final=False) from error


def _addresses(answer: bytes, kind: int, where: str) -> list[str]:
    try:
        _, flags, questions, answers, _, _ = struct.unpack_from("!6H", answer)
        code = flags & 15
        if code:
            said = _CODES.get(code, f"answered with code {code}")
            raise NotFoundByDns(f"The DNS server {where} {said}.", final=code == 3)
        place = 12
        for _ in range(questions):
            place = _skip_name(answer, place) + 4
        found = []
        for _ in range(answers):
            place = _skip_name(answer, place)
            its_kind, _, _, length = struct.unpack_from("!HHIH", answer, place)
            place += 10 + length
            # Aliases are followed by the server, which gives their addresses in the same answer.
            if its_kind == kind and length == _KINDS[kind]:
                found.append(str(ipaddress.ip_address(answer[place - length : place])))
        return found
    except (struct.error, IndexError, ValueError) as error:
        raise NotFoundByDns(f"The DNS server {where} answered something else than DNS.", final=False) from error


def _skip_name(answer: bytes, place: int) -> int:
    while length := answer[place]:
        if length >= 0xC0:  # the rest of the name is elsewhere
            return place + 2
        place += length + 1
    return place + 1
