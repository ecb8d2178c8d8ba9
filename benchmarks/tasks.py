"""What the workers run."""

from __future__ import annotations

import time

import autocron


@autocron.delay
def noop(address: str, number: int) -> int:
    return number


@autocron.delay
def when(_: int) -> int:
    """The moment at which it runs, in nanoseconds."""
    return time.time_ns()
