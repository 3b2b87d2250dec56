"""Django's ORM from asynchronous code: short calls on a few threads of their own, connections given back after each."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, InternalError, OperationalError, close_old_connections, connections

PATIENCE_SECONDS = 30
PAUSE_SECONDS = 0.5

P = ParamSpec("P")
T = TypeVar("T")

_threads = ThreadPoolExecutor(max_workers=6, thread_name_prefix="stackyard-db")


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that uses the ORM on a database thread; what it raises is raised here.

    While the database is away, as during its restart, it is tried again for half a minute. So the function must be one
    that may be done twice: nobody knows whether a commit whose answer got lost was made.
    """

    def call() -> T:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        finally:
            connections.close_all()  # back to the pool

    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE_SECONDS
    while True:
        try:
            return await loop.run_in_executor(_threads, call)
        except (OperationalError, InterfaceError, InternalError):  # the last: it slept, and its session was ended
            if loop.time() > end:
                raise
        await asyncio.sleep(PAUSE_SECONDS)
