"""The date schedule: one slot."""

from typing import NamedTuple

from autocron.schedules.moments import DateLike, read_moment
from autocron.schedules.zones import zone_name


class DateSchedule(NamedTuple):
    """One slot at ``moment`` (microseconds UTC). Made by ``date()``."""

    moment: int
    timezone: str

    def next_after(self, moment: int, *, anchor: int = 0) -> int | None:
        """The slot, if it comes strictly after a moment; ``None`` means never again."""
        return self.moment if self.moment > moment else None

    def words(self) -> str:
        """The schedule in English, as in "Once, on Friday 1 January 2027 at 00:00 (Europe/Berlin)"."""
        from autocron.schedules.words import date_words

        return date_words(self)

    def to_json(self) -> str:
        """The schedule as text; equal schedules have equal texts."""
        from autocron.schedules.stored import date_to_json

        return date_to_json(self)


def date(when: DateLike, *, timezone: str | None = None) -> DateSchedule:
    """A schedule with one slot: a datetime, a date (its midnight) or an ISO 8601 text.

    Without an offset it is a time in ``timezone`` (IANA name, default the machine's): if clocks leave it out
    that day, the first moment after; if they show it twice, the first of them. Raises ``ScheduleError``.
    """
    zone = zone_name(timezone)
    return DateSchedule(read_moment(when, zone, "date"), zone)
