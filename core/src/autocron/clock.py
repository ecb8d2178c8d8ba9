"""The one seam for time: moments are integer microseconds since the epoch, UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime

MICROSECONDS = 1_000_000


def now() -> int:
    """Now, in microseconds since the epoch, UTC."""
    return time.time_ns() // 1000


def monotonic() -> float:
    """Seconds on a clock that never steps; only differences mean anything."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Let so much time pass in this thread."""
    time.sleep(seconds)


async def sleep_async(seconds: float) -> None:
    """Let so much time pass, while the event loop does other things."""
    import asyncio  # dear, and who awaits has imported it

    await asyncio.sleep(seconds)


def to_datetime(moment: int) -> datetime:
    """The aware UTC datetime of a moment."""
    seconds, microseconds = divmod(moment, MICROSECONDS)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds)


def from_datetime(value: datetime) -> int:
    """The moment of an aware datetime, exact to the microsecond."""
    delta = value - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * MICROSECONDS + delta.microseconds
