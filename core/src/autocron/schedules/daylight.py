"""The daylight-saving rule, in one place.

A zone's local clock jumps: forward, leaving out some local times (a *gap*), or back, showing some twice (a
*fold*). A schedule meets the jumps in one of two ways:

* **Restricted hours** ("daily at 02:30"): a slot is due at the first instant at which the local clock has
  reached its time. Hence a slot in a gap is due right after the gap, at its first instant; all slots of one
  gap, and one at its very end, are due together and count once; a slot in a fold is due the first time round
  only.
* **Unrestricted hours** ("every 15 minutes", "hourly"): a slot is due at every instant at which the local
  clock shows a matching time. Hence it follows elapsed time: nothing is made up for a gap, and a fold's slots
  run both times round, so that an hourly schedule has 23 or 25 slots on such a day.

Nothing here knows how long a jump is: half an hour (Lord Howe), two (Troll), at midnight (Beirut, Havana), or
a whole day (Apia, 2011) are the same case.

*Instants* are seconds since the epoch, UTC. *Local seconds* are what the local clock shows, counted in
seconds as if that clock had never jumped; ``local seconds = instant + offset``.
"""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

_EPOCH = datetime(1970, 1, 1)
_SECOND = timedelta(seconds=1)

# Years 2 and 9998: an offset can be added or taken away and the result is still a date.
FIRST_INSTANT = -62_104_060_800
LAST_INSTANT = 253_370_764_800


def offset_at(zone: tzinfo, instant: int) -> int:
    """Seconds that the local clock is ahead of UTC at this instant."""
    return _offset(datetime.fromtimestamp(instant, zone))


def reached(zone: tzinfo, instant: int) -> int:
    """The latest local second that the local clock has shown up to and including this instant."""
    shown = datetime.fromtimestamp(instant, zone)
    offset = _offset(shown)
    if not shown.fold:
        return instant + offset
    # Second time round: the clock had got further before it jumped back.
    first_time = instant - (_offset(shown.replace(fold=0)) - offset)
    jump = _change(zone, first_time, instant)
    return jump - 1 + offset_at(zone, jump - 1)


def first_instant(zone: tzinfo, local_second: int) -> int:
    """The first instant at which the local clock has reached this local second."""
    earlier = (_EPOCH + timedelta(seconds=local_second)).replace(tzinfo=zone)
    offset = _offset(earlier)
    instant = local_second - offset
    if offset_at(zone, instant) == offset:
        return instant
    # In a gap: fold=0 reckons with the offset before the jump, fold=1 with the one after (PEP 495).
    return _change(zone, local_second - _offset(earlier.replace(fold=1)), instant)


def next_jump(zone: tzinfo, after: int, until: int) -> int | None:
    """The first instant of the new offset, if the offset at ``until`` is another than at ``after``."""
    if offset_at(zone, after) == offset_at(zone, until):
        return None
    return _change(zone, after, until)


def _change(zone: tzinfo, low: int, high: int) -> int:
    """The first instant in (low, high] with another offset than at ``low``, as it must be at ``high``."""
    before = offset_at(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        if offset_at(zone, middle) == before:
            low = middle
        else:
            high = middle
    return high


def _offset(local: datetime) -> int:
    offset = local.utcoffset()
    assert offset is not None  # a ZoneInfo always has one
    return offset // _SECOND
