"""Whether autocron is still as near to raw SQLite as it should be: ``make guard``. Exit status 1 if it isn't.

It compares in one run, in turns, and the best of each side: other programs on the machine make both slower, but seldom
in all rounds. It takes as many rounds as it needs, up to a limit.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("BENCH_NOTES", os.devnull)

from contender import usage
from contenders.autocron import Ours
from contenders.raw import CLAIM, FINISH, Raw

CALL_AT_MOST = 3.0
"""A call, in raw inserts."""

DRAIN_AT_LEAST = 0.4
"""Jobs a second out of a backlog with one worker, in rows a second of a loop that claims and finishes one after the other."""

ROUNDS = 30
CALLS = 100
DRAINED = 1000


def main() -> int:
    if not Path("/proc/self/schedstat").exists():
        print("not measured: processor time is read from Linux's /proc")
        return 0
    with tempfile.TemporaryDirectory(prefix="autocron-guard-") as folder:
        raw, ours = Raw(Path(folder)), Ours(Path(folder))
        raw.connect()
        ours.connect()
        try:
            ours.call_and_wait()
            calls = within("a call, in raw inserts", call_ratios(raw, ours), lambda ratio: ratio <= CALL_AT_MOST)
            drain = within("a drain, in that of a raw loop", drain_ratios(raw, ours), lambda ratio: ratio >= DRAIN_AT_LEAST)
        finally:
            ours.stop()
            raw.end()
    return 0 if calls and drain else 1


def within(what: str, ratios: Iterator[float], good: Callable[[float], bool]) -> bool:
    """Whether the ratio is good after some round."""
    for number, ratio in enumerate(ratios, 1):
        if good(ratio):
            print(f"{what}: {ratio:.2f} after {number} rounds")
            return True
        if number == ROUNDS:
            print(f"{what}: {ratio:.2f} after {ROUNDS} rounds, which is too slow: see docs/performance.md and profile it")
            return False
    raise AssertionError("there is always another round")


def call_ratios(raw: Raw, ours: Ours) -> Iterator[float]:
    """After each round, our quickest call so far over the quickest insert so far; nobody takes the jobs."""
    bare = called = float("inf")
    while True:
        bare = min(bare, quickest(raw.call))
        called = min(called, quickest(ours.call_for_later))
        yield called / bare


def quickest(call: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(CALLS):
        before = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - before)
    return best


def drain_ratios(raw: Raw, ours: Ours) -> Iterator[float]:
    """After each round, our quickest drain so far over the quickest raw loop so far.

    On a machine that has more to do than processors, the processor time of the process that needs more counts as well.
    """
    bare = drained = bare_cpu = drained_cpu = float("inf")
    while True:
        seconds, cpu = raw_drain(raw)
        bare, bare_cpu = min(bare, seconds), min(bare_cpu, cpu)
        seconds, cpu = our_drain(ours)
        drained, drained_cpu = min(drained, seconds), min(drained_cpu, cpu)
        busy = os.getloadavg()[0] > (os.cpu_count() or 1)
        yield max(bare / drained, bare_cpu / drained_cpu if busy else 0.0)


def raw_drain(raw: Raw) -> tuple[float, float]:
    """Seconds, and processor seconds."""
    execute = raw.connection.execute
    execute("delete from queue")
    raw.call_many(DRAINED)
    began, cpu = time.perf_counter(), time.process_time()
    while claimed := execute(CLAIM, (1,)).fetchall():
        execute(FINISH, ("42", claimed[0][0]))
    return time.perf_counter() - began, time.process_time() - cpu


def our_drain(ours: Ours) -> tuple[float, float]:
    """Seconds, and the processor seconds of the supervisor or the worker, whichever needed more."""
    before = {pid: usage([pid])[0] for pid in ours.pids()}
    began = time.perf_counter()
    ours.map_and_wait(DRAINED)
    seconds = time.perf_counter() - began
    return seconds, max(usage([pid])[0] - earlier for pid, earlier in before.items())


if __name__ == "__main__":
    sys.exit(main())
