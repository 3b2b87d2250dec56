"""Ten thousand blocks out of one pool by eight writers at the same time: how many in a second, and does any overlap.

Each writer is a process of its own with its own connection, as several servers and workers would be. The pool is in a
new PostgreSQL with its settings as they are for Stackyard.
"""

import os
import subprocess
import sys
import tempfile
import time
from ipaddress import IPv4Network
from itertools import pairwise
from pathlib import Path
from typing import Any

from stackyard.database.embedded import EmbeddedPostgres

BLOCKS, WRITERS = 10_000, 8
_WRITER = """
import sys, time
import django
django.setup()
from stackyard.cmdb.models import AddressPool
from stackyard.environments.addresses import claim_block
pool = AddressPool.objects.get()
print("ready", flush=True)
sys.stdin.readline()
slowest = 0.0
for number in range(int(sys.argv[1])):
    began = time.monotonic()
    claim_block(pool, 28, purpose=f"block {number}")
    slowest = max(slowest, time.monotonic() - began)
print(slowest)
"""


def run() -> dict[str, Any]:
    """Claim them all; returns blocks per second, overlaps, and the slowest claim in milliseconds."""
    with tempfile.TemporaryDirectory(prefix="stackyard-bench-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(Path(folder) / "postgres")
        server.start()
        try:
            return _measure(server.url(), folder)
        finally:
            server.stop()


def _measure(url: str, folder: str) -> dict[str, Any]:
    os.environ.update(DATABASE_URL=url, STACKYARD_DATA=folder, DJANGO_SETTINGS_MODULE="stackyard.site.settings")
    import django
    from django.core.management import call_command
    from django.db import connections

    django.setup()
    from stackyard.cmdb.models import AddressBlock, AddressPool

    call_command("migrate", verbosity=0)
    AddressPool.objects.create(name="bench", block="10.0.0.0/14", reserved=["10.0.1.0/24"])
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(BLOCKS // WRITERS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(WRITERS)
    ]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()
    began = time.monotonic()
    answers = [writer.communicate()[0] for writer in _started(writers)]
    seconds = time.monotonic() - began
    given = [IPv4Network(block) for block in AddressBlock.objects.order_by("block").values_list("block", flat=True)]
    connections.close_all()
    return {
        "blocks": len(given),
        "writers": WRITERS,
        "blocks_per_second": len(given) / seconds,
        "overlaps": sum(a.overlaps(b) for a, b in pairwise(given)),
        "slowest_ms": max(map(float, answers)) * 1000,
    }


def _started(writers: "list[subprocess.Popen[str]]") -> "list[subprocess.Popen[str]]":
    """Let all of them go at once; `communicate` alone would start one after the other."""
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    return writers
