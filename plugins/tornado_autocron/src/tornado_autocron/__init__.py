"""autocron for Tornado: ``async with tornado_autocron.running("project.db"):`` in ``main()``."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import autocron

__all__ = ["running"]


@asynccontextmanager
async def running(
    database: str | os.PathLike[str], *, instance: autocron.Autocron = autocron.default, **settings: Any
) -> AsyncGenerator[autocron.Autocron]:
    """Start autocron, and detach at the end of the block.

    ``database`` and ``settings`` are those of ``autocron.start``, and so are the errors. ``instance`` is the
    ``autocron.Autocron`` to start, by default the one behind ``autocron.delay`` and ``autocron.cron``. With
    ``fork_processes`` enter the block in each process, after the fork.
    """
    instance.start(database, **settings)
    try:
        yield instance
    finally:
        instance.stop()
