"""Ourselves by raw SQLite, a series of one after a series of the other: a machine has quick and slow moments for both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import measures
from contender import Contender, Notes
from contenders.autocron import Ours
from contenders.raw import Raw
from measures import Figures

TURNS = 5
"""Series of each."""

CALLS = 1000
"""Calls in a series."""


def by_raw(ours: Ours, notes: Notes, workers: int) -> Figures:
    """The median of our series by that of raw SQLite's, with so many workers each."""
    folder = ours.folder / "raw"
    folder.mkdir()
    raw = Raw(folder)
    raw.connect()
    raw.clear()
    try:
        call = _in_turns(lambda: _call(raw.call), lambda: _call(ours.call_for_later))
        raw.start(workers)
        time.sleep(0.5)  # they import what the jobs need, as ours did long ago
        return {
            "call by raw": call,
            "end to end by raw": _in_turns(
                lambda: measures.jobs_a_second(raw, notes), lambda: measures.jobs_a_second(ours, notes)
            ),
            "4 producers by raw": _in_turns(lambda: _producers(raw, notes), lambda: _producers(ours, notes)),
        }
    finally:
        raw.stop()
        raw.end()


def _in_turns(raw: Callable[[], float], ours: Callable[[], float]) -> float:
    pairs = [(ours(), raw()) for _ in range(TURNS)]
    return statistics.median(our for our, _ in pairs) / statistics.median(bare for _, bare in pairs)


def _call(call: Callable[[], object]) -> float:
    """Seconds of one, the median of a series."""
    taken = []
    for _ in range(CALLS):
        before = time.perf_counter()
        call()
        taken.append(time.perf_counter() - before)
    return statistics.median(taken)


def _producers(contender: Contender, notes: Notes) -> float:
    return measures.producers(contender, notes)["4 producers"]
