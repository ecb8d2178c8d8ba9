"""What is measured of a contender, and how. Every function takes a contender that has begun, and gives figures by name."""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from contender import HERE, Contender, Notes, environment, memory, usage, wait_until

Figures = dict[str, float]

LONGEST_SERIES = 1.5
"""Seconds: a slow contender gets fewer jobs."""

PRODUCING = 2.0
"""Seconds for which several processes call at once: long enough for a fair scheduler to have been fair."""

SERIES = 3
"""The median of so many series counts where one is short: a machine has quick and slow moments."""

MAPPED = 200
"""Jobs that one call makes."""

BURNT = 0.005
"""Seconds of processor time of a job that computes."""


def calls(contender: Contender) -> Figures:
    """Calls whose jobs nobody takes meanwhile."""
    taken = fill(contender)
    figures = {"call": 1e6 * statistics.median(taken), "stored": 1e6 * statistics.mean(taken)}
    many = [seconds for _ in range(5) if (seconds := one_map(contender)) is not None]
    if many:
        figures["map"] = 1e6 * statistics.median(many) / MAPPED
    return figures


def one_map(contender: Contender) -> float | None:
    """Seconds; None where the contender has nothing like it."""
    before = time.perf_counter()
    return time.perf_counter() - before if contender.call_many(MAPPED) else None


def fill(contender: Contender) -> list[float]:
    """Make the contender's backlog, or what it can in some time. The seconds that each call took."""
    taken = []
    began = before = time.perf_counter()
    while len(taken) < contender.backlog and before - began < LONGEST_SERIES:
        contender.call()
        now = time.perf_counter()
        taken.append(now - before)
        before = now
    return taken


def drain(contender: Contender, notes: Notes, workers: int) -> Figures:
    """What has been called before, from the first execution to the last one in some time."""
    before = notes.count()
    contender.start(workers)
    notes.wait_for(before + 10)
    executed, until = 0, time.monotonic() + 2 * LONGEST_SERIES
    while executed < (executed := notes.count()) and time.monotonic() < until:
        time.sleep(0.3)
    moments = notes.moments(before)
    return {f"drain, {workers}": (len(moments) - 1) / ((moments[-1] - moments[0]) / 1e9)}


def end_to_end(contender: Contender, notes: Notes, workers: int) -> Figures:
    """Calls while the workers work."""
    return {f"end to end, {workers}": statistics.median(jobs_a_second(contender, notes) for _ in range(SERIES))}


def jobs_a_second(contender: Contender, notes: Notes) -> float:
    """A series of calls, from the first call to the last execution."""
    settle(notes)
    before = notes.count()
    began = time.monotonic_ns()
    jobs = 0
    while jobs < contender.backlog and time.monotonic_ns() - began < LONGEST_SERIES * 1e9:
        contender.call()
        jobs += 1
    notes.wait_for(before + jobs)
    return jobs / ((notes.moments(before)[-1] - began) / 1e9)


def computing(contender: Contender, notes: Notes, workers: int) -> Figures:
    """Jobs that need the processor for 5 ms each."""

    def jobs_a_second() -> float:
        settle(notes)
        before, jobs = notes.count(), 240
        for _ in range(jobs):
            contender.burn(BURNT)
        notes.wait_for(before + jobs, look_every=0.02)  # who looks needs a processor, too
        moments = notes.moments(before)
        return (jobs - 1) / ((moments[-1] - moments[0]) / 1e9)

    return {f"computing, {workers}": statistics.median(jobs_a_second() for _ in range(SERIES))}


def latencies(contender: Contender, notes: Notes, samples: int) -> Figures:
    """A call while everything is idle: until the job begins, and until its result has been read."""
    settle(notes)
    picked_up = [_pick_up(contender, notes) for _ in range(samples)]
    results = []
    for _ in range(samples):
        _rest()
        before = time.perf_counter()
        contender.call_and_wait()
        results.append(1e3 * (time.perf_counter() - before))
    return {
        "pick-up p50": statistics.median(picked_up),
        "pick-up p99": statistics.quantiles(picked_up, n=100, method="inclusive")[98],
        "result p50": statistics.median(results),
    }


def idle(contender: Contender, notes: Notes, seconds: float) -> Figures:
    """Nothing to do for a while; then one job."""
    settle(notes)
    time.sleep(2)  # what tidies up after the load may do so
    pids = contender.pids()
    before, began = usage(pids), time.monotonic()
    time.sleep(seconds)
    after, elapsed = usage(pids), time.monotonic() - began
    return {
        "idle CPU": (after[0] - before[0]) * 60 / elapsed,
        "wake-ups": (after[1] - before[1]) / elapsed,
        "pick-up after quiet": _pick_up(contender, notes),
    }


def beside_long_jobs(contender: Contender, notes: Notes) -> Figures:
    """Short jobs behind one long job on two workers: the longest wait of a short one."""
    settle(notes)
    before = notes.count()
    contender.hold(0.5)
    notes.wait_for(before + 1, look_every=0.0005)
    began = time.monotonic_ns()
    for _ in range(10):
        contender.call()
    notes.wait_for(before + 11)
    longest = notes.moments(before + 1)[-1] - began
    time.sleep(0.5)
    return {"beside a long job": longest / 1e6}


def memories(contender: Contender) -> Figures:
    """MB of all processes that do the work, without what the application alone takes in two workers."""
    return {"memory": sum(memory(pid) for pid in contender.pids()) - 2 * application_memory(contender)}


def application_memory(contender: Contender) -> float:
    """MB of an interpreter that has imported what the jobs need, and nothing of the contender."""
    script = "import time, work, json, sys; print(flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment())
    assert process.stdout is not None
    try:
        process.stdout.readline()
        return memory(process.pid)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def producers(contender: Contender, notes: Notes, number: int = 4) -> Figures:
    """So many processes call at once while two workers work."""
    settle(notes)
    before = notes.count()
    command = [
        sys.executable,
        "producer.py",
        type(contender).__module__,
        type(contender).__name__,
        str(contender.folder),
        str(int(contender.backlog * PRODUCING)),
        str(PRODUCING),
    ]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(), cwd=HERE, text=True)
        for _ in range(number)
    ]
    try:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        told = [[float(word) for word in process.communicate()[0].split()] for process in started]
    finally:
        for process in started:
            process.kill()
    jobs = sum(int(calls) for calls, *_ in told)
    notes.wait_for(before + jobs)
    first, last = min(began for _, began, _, _ in told), max(ended for _, _, ended, _ in told)
    rates = [calls / (ended - began) for calls, began, ended, _ in told]
    return {
        "4 producers": jobs / (last - first),
        "longest stall": 1e3 * max(longest for *_, longest in told),
        "slowest of 4": min(rates) / max(rates),
    }


def import_time(module: str) -> Figures:
    """Over that of an empty interpreter."""

    def seconds(statement: str) -> float:
        taken = []
        for _ in range(7):
            before = time.perf_counter()
            subprocess.run([sys.executable, "-c", statement], check=True, env=environment())
            taken.append(time.perf_counter() - before)
        return min(taken)

    return {"import": 1e3 * (seconds(f"import {module}") - seconds("pass"))}


# -- steps -------------------------------------------------------------------------------------------------


def settle(notes: Notes) -> None:
    """Until nothing runs any more."""
    last = [notes.count(), time.monotonic()]

    def quiet() -> bool:
        if notes.count() != last[0]:
            last[:] = [notes.count(), time.monotonic()]
        return time.monotonic() - last[1] > 0.5

    wait_until(quiet, "all jobs have been executed", look_every=0.05)


def _pick_up(contender: Contender, notes: Notes) -> float:
    """Milliseconds from a call to the job's first line."""
    _rest()
    count = notes.count()
    before = time.monotonic_ns()
    contender.call()
    notes.wait_for(count + 1, look_every=0.005)
    return (notes.moments(count)[0] - before) / 1e6


def _rest() -> None:
    time.sleep(random.uniform(0.02, 0.06))


def medians(rounds: list[Figures]) -> Figures:
    """Of every figure that was measured in at least one round; the worst for what is a worst case."""
    worst: dict[str, Callable[[list[float]], float]] = {"longest stall": max, "beside a long job": max, "slowest of 4": min}
    names = list(dict.fromkeys(name for figures in rounds for name in figures))
    return {
        name: worst.get(name, statistics.median)([figures[name] for figures in rounds if name in figures]) for name in names
    }
