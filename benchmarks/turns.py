"""Ourselves by raw SQLite, a series of one after a series of the other: a machine has quick and slow moments for both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import measures
from contender import Contender, Notes
from contenders.autocron import Ours, OursFull
from contenders.raw import Raw, RawFull
from measures import MAPPED, Figures

TURNS = 5
"""Series of each."""

CALLS = 1000
"""Calls in a series."""

DURABLE_CALLS = 300
"""The same, where each waits for the disk."""

MAPS = 5
"""Calls of ``map`` in a series."""


def by_raw(ours: Ours, notes: Notes, workers: int) -> Figures:
    """The median of our series by that of raw SQLite's, with so many workers each.

    Where each call waits for the disk, the calls alone: what is executed waits for nothing.
    """
    if isinstance(ours, OursFull):
        with _beside(ours, RawFull) as raw:
            mean = _in_turns(lambda: _mean(ours.call_for_later), lambda: _mean(raw.call))
        return {"full by raw": 1 / mean}
    with _beside(ours, Raw) as raw:
        figures = {
            "call by raw": _in_turns(lambda: _median(ours.call_for_later, CALLS), lambda: _median(raw.call, CALLS)),
            "map by raw": _in_turns(
                lambda: _median(lambda: ours.map_for_later(MAPPED), MAPS) / MAPPED, lambda: _median(raw.call, CALLS)
            ),
        }
        raw.start(workers)
        time.sleep(0.5)  # they import what the jobs need, as ours did long ago
        return figures | {
            "end to end by raw": _in_turns(
                lambda: measures.jobs_a_second(ours, notes), lambda: measures.jobs_a_second(raw, notes)
            ),
            "4 producers by raw": _in_turns(lambda: _producers(ours, notes), lambda: _producers(raw, notes)),
        }


@contextmanager
def _beside(ours: Ours, kind: type[Raw]) -> Iterator[Raw]:
    folder = ours.folder / "raw"
    folder.mkdir()
    raw = kind(folder)
    raw.connect()
    raw.clear()
    try:
        yield raw
    finally:
        raw.stop()
        raw.end()


def _in_turns(ours: Callable[[], float], raw: Callable[[], float]) -> float:
    pairs = [(ours(), raw()) for _ in range(TURNS)]
    return statistics.median(our for our, _ in pairs) / statistics.median(bare for _, bare in pairs)


def _median(call: Callable[[], object], calls: int) -> float:
    """Seconds of one in a series."""
    taken = []
    for _ in range(calls):
        before = time.perf_counter()
        call()
        taken.append(time.perf_counter() - before)
    return statistics.median(taken)


def _mean(call: Callable[[], object]) -> float:
    """Seconds of one in an unbroken series, the disk's pauses among them."""
    began = time.perf_counter()
    for _ in range(DURABLE_CALLS):
        call()
    return (time.perf_counter() - began) / DURABLE_CALLS


def _producers(contender: Contender, notes: Notes) -> float:
    return measures.producers(contender, notes)["4 producers"]
