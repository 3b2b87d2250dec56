"""A port to listen on."""

import socket


def free_port(wanted: int) -> int:
    """`wanted` when nothing listens there on loopback, else the next free one of the fifty above it, else any."""
    for port in (*range(wanted, wanted + 50), 0):
        with socket.socket() as probe:
            # As uvicorn binds: a port whose last connections are still closing may be used again.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on loopback")
