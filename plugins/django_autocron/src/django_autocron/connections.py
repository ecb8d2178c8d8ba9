"""What Django does around a request, around a job: connections that are neither broken nor too old, and none left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.cache import close_caches
from django.db import close_old_connections, connections, reset_queries


@contextmanager
def fresh_connections() -> Iterator[None]:
    """Around a job in this thread."""
    if loop_runs_here():  # an ``async`` task talks to databases in a thread of its own
        yield
        return
    reset_queries()
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()
        close_caches()


async def thread_of_its_own() -> AsyncIterator[None]:
    """Around an ``async`` job: as Django does for requests under ASGI, and for calls that run in a test, too."""
    async with ThreadSensitiveContext():
        try:
            yield
        finally:
            await sync_to_async(_close_all)()


def _close_all() -> None:
    connections.close_all()  # the thread ends with the job
    close_caches()


def loop_runs_here() -> bool:
    """Whether this thread runs an event loop, beside which Django allows no use of a database."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
