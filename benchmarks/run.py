"""Measure autocron beside raw SQLite: `make bench`."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from raw_sqlite import RawSqlite

import autocron
from tasks import noop, when

CALLS_A_ROUND = 200
DRAINED = 3_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="rounds of calls, taken in turns (default 10)")
    parser.add_argument("--workers", type=int, default=1, help="worker processes (default 1)")
    parser.add_argument("--idle", type=float, default=10, help="seconds of idleness to measure (default 10)")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="autocron-bench-") as folder:
        raw = RawSqlite(Path(folder))
        autocron.start(Path(folder) / "autocron.db", workers=options.workers)
        noop("warm", 0).wait(60)
        try:
            figures = measure(raw, options.rounds, options.idle, Path(folder) / "autocron.db")
        finally:
            autocron.stop()
            raw.close()
            wait_for_end(Path(folder) / "autocron.db")
    report(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))


def measure(raw: RawSqlite, rounds: int, idle_seconds: float, database: Path) -> dict[str, float]:
    figures = calls(raw, rounds)
    figures |= drains(raw)
    figures |= latencies()
    figures |= idle(database, idle_seconds)
    return figures


def calls(raw: RawSqlite, rounds: int) -> dict[str, float]:
    bare: list[float] = []
    ours: list[float] = []
    busy: list[float] = []
    mapped: list[float] = []
    later = noop.options(hours=1)
    for _ in range(rounds):
        bare += timed(raw.call, CALLS_A_ROUND)
        ours += timed(lambda: later("a@b.c", 42), CALLS_A_ROUND)
        busy += timed(lambda: noop("a@b.c", 42), CALLS_A_ROUND)
        handle = noop("a@b.c", 42)
        handle.wait(60)  # the workers are busy with the backlog; the next round begins in peace
        start = time.perf_counter()
        handle = noop.map([("a@b.c", number) for number in range(1000)])[-1]
        mapped.append((time.perf_counter() - start) / 1000)
        handle.wait(60)
    return {
        "raw insert, us": 1e6 * statistics.median(bare),
        "call, us": 1e6 * statistics.median(ours),
        "call / raw insert": statistics.median(ours) / statistics.median(bare),
        "call beside work, us": 1e6 * statistics.median(busy),
        "beside work / raw": statistics.median(busy) / statistics.median(bare),
        "map, us a job": 1e6 * statistics.median(mapped),
        "map / raw insert": statistics.median(mapped) / statistics.median(bare),
    }


def drains(raw: RawSqlite) -> dict[str, float]:
    bare, ours = [], []
    for _ in range(3):
        bare.append(DRAINED / raw.drain(DRAINED))
        last = noop.map([("a@b.c", number) for number in range(DRAINED)])[-1]
        start = time.perf_counter()
        last.wait(300)
        ours.append(DRAINED / (time.perf_counter() - start))
    return {
        "raw drain, jobs/s": statistics.median(bare),
        "drain, jobs/s": statistics.median(ours),
        "drain / raw drain": statistics.median(ours) / statistics.median(bare),
    }


def latencies() -> dict[str, float]:
    pick_ups, results = [], []
    for number in range(200):
        start, called = time.perf_counter(), time.time_ns()
        began = when(number).wait(60)
        results.append(time.perf_counter() - start)
        pick_ups.append((began - called) / 1e9)
    return {
        "pick-up p50, ms": 1e3 * statistics.median(pick_ups),
        "pick-up p99, ms": 1e3 * statistics.quantiles(pick_ups, n=100)[98],
        "call to result p50, ms": 1e3 * statistics.median(results),
    }


def idle(database: Path, seconds: float) -> dict[str, float]:
    """Processor time and wake-ups of supervisor and workers while nothing happens (Linux)."""
    time.sleep(6)  # let the house be tidied after the load
    before = {pid: usage(pid) for pid in processes_of(database)}
    time.sleep(seconds)
    spent = [[after - earlier for after, earlier in zip(usage(pid), before[pid], strict=True)] for pid in before]
    return {
        "idle, CPU s/min": sum(cpu for cpu, _ in spent) * 60 / seconds,
        "idle, wake-ups/s": sum(switches for _, switches in spent) / seconds,
    }


def timed(function: Callable[[], object], times: int) -> list[float]:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return taken


def processes_of(database: Path) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if str(database).encode() in arguments:
            found.append(int(folder.name))
    return found


def usage(pid: int) -> tuple[float, int]:
    """Processor seconds and voluntary context switches so far."""
    run_time = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    switches = next(int(line.split()[1]) for line in status if line.startswith("voluntary_ctxt_switches"))
    return run_time, switches


def wait_for_end(database: Path) -> None:
    deadline = time.monotonic() + 30
    while processes_of(database) and time.monotonic() < deadline:
        time.sleep(0.1)


def report(figures: dict[str, float]) -> None:
    print(f"Python on {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the end")
    for name, value in figures.items():
        print(f"  {name:<24} {value:>12,.2f}")


if __name__ == "__main__":
    main()
