"""Calls the tasks, and notes what was asked for and what was accepted."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from typing import Any

from notebook import Notebook

import autocron
import tasks

DATABASE = "torture.db"
MAPPED = 10
"""Jobs in one call of ``map``."""

KINDS: dict[str, tuple[int, Callable[[str], autocron.TaskResult[Any]]]] = {
    "quick": (40, lambda token: tasks.quick(token)),
    "work": (22, lambda token: tasks.work(token, random.uniform(0.01, 0.1))),
    "slow": (4, lambda token: tasks.work(token, random.uniform(0.3, 0.8))),
    "long": (2, lambda token: tasks.work(token, random.uniform(2, 4))),
    "urgent": (4, lambda token: tasks.quick.options(priority=5)(token)),
    "async": (4, lambda token: tasks.wait(token, random.uniform(0.01, 0.1))),
    "parent": (3, lambda token: tasks.parent(token)),
    "later": (6, lambda token: tasks.quick.options(seconds=random.uniform(0.2, 2))(token)),
    "failing": (4, lambda token: tasks.failing(token)),
    "endless": (2, lambda token: tasks.endless(token)),
    "once": (7, lambda token: tasks.once(token, random.uniform(0.01, 0.1))),
    "cancelled": (3, lambda token: tasks.work(token, 0.3)),
}
"""How often, and how."""

_kinds = [*KINDS, "many"]
_weights = [*(weight for weight, _ in KINDS.values()), 3]


def start() -> None:
    autocron.start(
        DATABASE,
        workers=int(os.environ["TORTURE_WORKERS"]),
        threads=int(os.environ["TORTURE_THREADS"]),
        result_ttl=7 * 86_400,
    )


class Caller:
    """One process's calls, and its own file of what came of them."""

    def __init__(self) -> None:
        self._name = f"{os.getpid()}-{time.monotonic_ns()}"
        self._calls = 0
        self._notes = Notebook(f"caller-{self._name}.txt")

    def call(self) -> None:
        """One call of some kind. Raises what the call raises."""
        (kind,) = random.choices(_kinds, _weights)
        self._calls += 1
        token = f"t-{self._name}-{self._calls}"
        tokens = [f"{token}.{number}" for number in range(MAPPED)] if kind == "many" else [token]
        self._notes.note("asked", kind, *tokens)
        try:
            handles = tasks.quick.map([(each,) for each in tokens]) if kind == "many" else [KINDS[kind][1](token)]
        except BaseException as error:
            self._notes.note("refused", type(error).__name__, *tokens)
            raise
        for each, handle in zip(tokens, handles, strict=True):
            self._notes.note("accepted", each, str(handle.uuid))
        self._notes.sync()
        if kind == "cancelled":
            handles[0].cancel()
