"""What is done to the application, and when: a sequence that its seed replays."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

ACTS = {
    "KILL worker": 60,
    "KILL supervisor": 12,
    "KILL web process": 8,
    "KILL server": 1,
    "KILL shell": 2,
    "KILL everything": 1,
    "STOP worker": 5,
    "STOP supervisor": 3,
    "STOP web process": 2,
    "TERM supervisor": 2,
    "TERM worker": 2,
    "TERM web process": 1,
    "HUP server": 1,
    "lock the database": 3,
    "fill the disk": 1,
}
"""Every act, and how often it comes among the others."""


@dataclass(frozen=True, slots=True)
class Decision:
    """``pick`` and ``amount`` are between 0 and 1: which of those there are, and how much or how long.

    ``recovered``: it isn't done before a job has begun since the last one, so that the next blow meets a system at work.
    The others may meet one that is just starting.
    """

    pause: float
    act: str
    pick: float
    amount: float
    recovered: bool


def decisions(seed: int, rate: float) -> Iterator[Decision]:
    """Without end, ``rate`` a second on the average."""
    chance = random.Random(seed)
    while True:
        (act,) = chance.choices(list(ACTS), list(ACTS.values()))
        yield Decision(chance.expovariate(rate), act, chance.random(), chance.random(), chance.random() < 0.8)
