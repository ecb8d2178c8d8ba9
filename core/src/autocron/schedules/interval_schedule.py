"""The interval schedule: slots at a fixed distance of elapsed time, without drift."""

from datetime import timedelta
from typing import NamedTuple

from autocron.clock import MICROSECONDS
from autocron.errors import ScheduleError
from autocron.schedules.daylight import LAST_INSTANT
from autocron.schedules.moments import DateLike, read_bounds
from autocron.schedules.zones import zone_name

SHORTEST = MICROSECONDS // 10


class IntervalSchedule(NamedTuple):
    """Slots at ``first + n * every`` (microseconds), n = 0, 1, 2 …

    ``first`` is ``start`` if there is one; else the anchor, the moment at which the schedule was first
    registered, if ``start_now``; else one interval after the anchor. ``end`` (microseconds UTC) is inclusive.
    Made by ``interval()``.
    """

    every: int
    start_now: bool
    timezone: str
    start: int | None = None
    end: int | None = None

    def next_after(self, moment: int, *, anchor: int = 0) -> int | None:
        """The first slot strictly after a moment, in microseconds UTC; ``None`` means never again."""
        first = anchor if self.start_now else anchor + self.every
        if self.start is not None:
            first = self.start
        slot = first if moment < first else first + ((moment - first) // self.every + 1) * self.every
        last = LAST_INSTANT * MICROSECONDS if self.end is None else self.end
        return None if slot > last else slot

    def words(self) -> str:
        """The schedule in English, as in "Every 2 hours"."""
        from autocron.schedules.words import interval_words

        return interval_words(self)

    def to_json(self) -> str:
        """The schedule as text; equal schedules have equal texts."""
        from autocron.schedules.stored import interval_to_json

        return interval_to_json(self)


def interval(
    *,
    weeks: float = 0,
    days: float = 0,
    hours: float = 0,
    minutes: float = 0,
    seconds: float = 0,
    start_now: bool = False,
    timezone: str | None = None,
    start_date: DateLike | None = None,
    end_date: DateLike | None = None,
) -> IntervalSchedule:
    """A schedule with slots at a fixed distance: the sum of the units, at least 0.1 s.

    It counts elapsed time: a day is 24 hours, also when clocks change. The first slot is one interval after
    the schedule was first registered; with ``start_now=True`` at once; with ``start_date`` at that moment.
    Dates are a datetime, a date or an ISO 8601 text, in ``timezone`` (IANA name, default the machine's)
    unless they have an offset; ``end_date`` is inclusive. Raises ``ScheduleError``.
    """
    units = {"weeks": weeks, "days": days, "hours": hours, "minutes": minutes, "seconds": seconds}
    for name, value in units.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ScheduleError(f"{name}={value!r} is no number: write for example {name}=2")
    try:
        every = timedelta(**units) // timedelta(microseconds=1)
    except (OverflowError, ValueError) as error:
        raise ScheduleError(f"{_given(units)} is no usable interval: write a smaller number") from error
    if every < SHORTEST:
        raise ScheduleError(f"{_given(units)} is too short an interval: write at least seconds=0.1")
    zone = zone_name(timezone)
    start, end = read_bounds(start_date, end_date, zone)
    return IntervalSchedule(every, bool(start_now) and start is None, zone, start, end)


def _given(units: dict[str, float]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in units.items() if value) or "an interval of nothing"
