"""The cron schedule: what is left of an expression once it has been read, in whatever dialect."""

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from autocron.clock import MICROSECONDS
from autocron.schedules import daylight
from autocron.schedules.days import DayRule
from autocron.schedules.zones import load_zone

if TYPE_CHECKING:
    from datetime import tzinfo

_DAY = 86_400
_EPOCH_ORDINAL = 719_163  # date(1970, 1, 1).toordinal()


class CronSchedule(NamedTuple):
    """Slots where the local clock of ``timezone`` shows a time in all sets; for its jumps see ``daylight``.

    The tuples are sorted. ``years=None`` means every year. ``start`` and ``end`` are the first and the last
    allowed moment (microseconds UTC), both inclusive; ``None`` means unbounded. Made by ``cron()``.
    """

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: DayRule
    years: tuple[int, ...] | None
    timezone: str
    start: int | None = None
    end: int | None = None

    def next_after(self, moment: int, *, anchor: int = 0) -> int | None:
        """The first slot strictly after a moment, in microseconds UTC; ``None`` means never again.

        A cron schedule needs no anchor. The cost doesn't depend on how far away the slot is.
        """
        if self.start is not None:
            moment = max(moment, self.start - 1)
        instant = max(moment // MICROSECONDS, daylight.FIRST_INSTANT)
        if instant >= daylight.LAST_INSTANT:
            return None
        zone = load_zone(self.timezone)
        found = self._next_elapsed(zone, instant) if len(self.hours) == 24 else self._next_reached(zone, instant)
        if found is None:
            return None
        slot = found * MICROSECONDS
        return None if self.end is not None and slot > self.end else slot

    def words(self) -> str:
        """The schedule in English, as in "At 09:30 on Monday and Wednesday (Europe/Berlin)"."""
        from autocron.schedules.words import cron_words

        return cron_words(self)

    def to_json(self) -> str:
        """The schedule as text; equal schedules have equal texts."""
        from autocron.schedules.stored import cron_to_json

        return cron_to_json(self)

    def _next_reached(self, zone: "tzinfo", instant: int) -> int | None:
        """Restricted hours: the next time of the local clock that it hasn't reached yet."""
        local = self._next_local(daylight.reached(zone, instant))
        return None if local is None else daylight.first_instant(zone, local)

    def _next_elapsed(self, zone: "tzinfo", instant: int) -> int | None:
        """Unrestricted hours: the next instant at which the local clock shows a matching time."""
        known_from = instant
        while True:
            offset = daylight.offset_at(zone, known_from)
            local = self._next_local(instant + offset)
            if local is None:
                return None
            slot = local - offset
            # A jump on the way changes the answer. Far from both ends it can't: clocks jump by a day at most.
            horizon = min(slot, known_from + 2 * _DAY)
            jump = daylight.next_jump(zone, known_from, horizon)
            if jump is not None:
                known_from, instant = jump, jump - 1
            elif horizon == slot:
                return slot
            else:
                known_from = instant = max(horizon, slot - 2 * _DAY)

    def _next_local(self, local_second: int) -> int | None:
        """The first matching local second strictly after this one, as if the local clock never jumped."""
        days, second_of_day = divmod(local_second + 1, _DAY)
        today = days + _EPOCH_ORDINAL
        day = self.days.next_day(today, self.years)
        if day == today:
            time = self._next_time(second_of_day)
            if time is not None:
                return days * _DAY + time
            day = self.days.next_day(today + 1, self.years)
        return None if day is None else (day - _EPOCH_ORDINAL) * _DAY + self._time(0, 0, 0)

    def _next_time(self, second_of_day: int) -> int | None:
        """The first matching second of a day at or after this one."""
        hour, rest = divmod(second_of_day, 3600)
        minute, second = divmod(rest, 60)
        at_hour = bisect_left(self.hours, hour)
        if at_hour == len(self.hours):
            return None
        if self.hours[at_hour] > hour:
            return self._time(at_hour, 0, 0)
        at_minute = bisect_left(self.minutes, minute)
        if at_minute < len(self.minutes):
            if self.minutes[at_minute] > minute:
                return self._time(at_hour, at_minute, 0)
            at_second = bisect_left(self.seconds, second)
            if at_second < len(self.seconds):
                return self._time(at_hour, at_minute, at_second)
            if at_minute + 1 < len(self.minutes):
                return self._time(at_hour, at_minute + 1, 0)
        return self._time(at_hour + 1, 0, 0) if at_hour + 1 < len(self.hours) else None

    def _time(self, at_hour: int, at_minute: int, at_second: int) -> int:
        return self.hours[at_hour] * 3600 + self.minutes[at_minute] * 60 + self.seconds[at_second]
