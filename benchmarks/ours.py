"""What is measured of autocron alone."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from pathlib import Path

from contender import Notes, environment, memory
from contenders.autocron import Ours
from measures import Figures, application_memory, settle

from autocron import clock
from autocron.model import NewJob
from autocron.store import SqliteStore

STARTS = 5
"""Fresh processes whose start is measured."""

_STARTED = """
import sys, time, flask, autocron, work
noop = autocron.delay(work.noop)
began = time.perf_counter()
autocron.start(sys.argv[1])
started = time.perf_counter()
noop("a@b.c", 42).wait(60)
print(1000 * (started - began), 1000 * (time.perf_counter() - started))
"""


def start(folder: Path) -> Figures:
    """Milliseconds of ``start()`` in a fresh process that has imported Flask, and from its end until the first job is done."""
    made, found, jobs = [], [], []
    for number in range(STARTS):
        milliseconds, _ = _started(folder / f"new-{number}.db")
        made.append(milliseconds)
        there = folder / f"there-{number}.db"
        SqliteStore(there, create=True).revision()
        milliseconds, job = _started(there)
        found.append(milliseconds)
        jobs.append(job)
    return {"start()": statistics.median(found), "start() new": statistics.median(made), "first job": statistics.median(jobs)}


def _started(database: Path) -> tuple[float, float]:
    command = [sys.executable, "-c", _STARTED, str(database)]
    ended = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    first, second = ended.stdout.split()
    return float(first), float(second)


def roles(contender: Ours) -> Figures:
    """MB of the supervisor, and of a worker over the application alone."""
    supervisors, workers = [], []
    for pid in contender.pids():
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        (supervisors if b"supervise" in words else workers).append(memory(pid))
    alone = application_memory(contender)
    return {"supervisor": sum(supervisors), "worker": statistics.mean(workers) - alone}


def event_loop(contender: Ours, notes: Notes, samples: int) -> Figures:
    """How long a call blocks the loop that makes it, while the workers work."""
    settle(notes)
    before = notes.count()
    taken: list[float] = []

    async def calls() -> None:
        for _ in range(samples):
            began = time.perf_counter()
            contender.call()
            taken.append(1e3 * (time.perf_counter() - began))
            await asyncio.sleep(0.002)

    asyncio.run(calls())
    notes.wait_for(before + samples)
    return {"loop blocked p99": statistics.quantiles(taken, n=100, method="inclusive")[98]}


def growth(folder: Path, rows: int) -> Figures:
    """A call, and a claim with its finish, in a file with so many rows of each kind over those in an empty file."""
    empty = _cost(SqliteStore(folder / "empty.db", create=True), 0, waiting=False)
    figures: Figures = {}
    for kind, waiting in (("waiting", True), ("finished", False)):
        cost = _cost(SqliteStore(folder / f"{kind}.db", create=True), rows, waiting=waiting)
        figures |= {f"{what}, {rows:,} rows {kind}, by an empty file": cost[what] / empty[what] for what in cost}
    return figures


def _cost(store: SqliteStore, rows: int, *, waiting: bool) -> dict[str, float]:
    store.settings()
    now = clock.now()
    new = NewJob("work.noop", '[["a@b.c",42],{}]', 1)
    for first in range(0, rows, 10_000):
        with store.transaction():
            store.add([new] * min(10_000, rows - first), now)
            if not waiting:
                for work in store.claim(1, 10_000, "bench", now):
                    store.finish(work.claim, "42", 1, now + 10**12, now)
        store.maintain()
    calls, claims = [], []
    for _ in range(1000):
        before = time.perf_counter()
        store.add([new], clock.now())
        between = time.perf_counter()
        with store.transaction():
            for work in store.claim(1, 1, "bench", clock.now()):
                store.finish(work.claim, "42", 1, now + 10**12, clock.now())
        calls.append(between - before)
        claims.append(time.perf_counter() - between)
    store.close()
    return {"call": statistics.median(calls), "claim": statistics.median(claims)}
