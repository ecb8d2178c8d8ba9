"""Moments from what people write: datetimes, dates and ISO 8601 texts."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from autocron.clock import MICROSECONDS, from_datetime
from autocron.errors import ScheduleError
from autocron.schedules import daylight
from autocron.schedules.zones import load_zone

DateLike = str | datetime | date

_EPOCH = datetime(1970, 1, 1)
_HOW_TO_WRITE = 'write an ISO 8601 text such as "2027-01-31T09:30", a datetime or a date'


def read_moment(value: object, timezone: str, name: str, *, whole_day: bool = False) -> int:
    """The moment (microseconds UTC) of a datetime, a date (its midnight) or an ISO 8601 text of either.

    Without an offset it is a time of the local clock in ``timezone``; in a gap that is the first moment after
    it, in a fold the first occurrence. With ``whole_day``, a date stands for its last moment. ``name`` is for
    the message. Raises ``ScheduleError``.
    """
    if isinstance(value, str):
        value = _read_iso(value.strip(), name)
    try:
        if isinstance(value, datetime):
            moment = _moment_of(value, timezone)
        elif isinstance(value, date):
            midnight = datetime(value.year, value.month, value.day)
            moment = _moment_of(midnight + timedelta(days=1), timezone) - 1 if whole_day else _moment_of(midnight, timezone)
        else:
            raise ScheduleError(f"{name}={value!r} is no date: {_HOW_TO_WRITE}")
    except (OverflowError, ValueError) as error:
        if isinstance(error, ScheduleError):
            raise
        raise ScheduleError(f"{name}={str(value)!r} is too far away: {_HOW_TO_WRITE}") from error
    return moment


def read_bounds(start: DateLike | None, end: DateLike | None, timezone: str) -> tuple[int | None, int | None]:
    """The first and the last allowed moment, both inclusive; an end without a time includes that day."""
    first = None if start is None else read_moment(start, timezone, "start_date")
    last = None if end is None else read_moment(end, timezone, "end_date", whole_day=True)
    if first is not None and last is not None and last < first:
        raise ScheduleError(f"end_date={str(end)!r} is before start_date={str(start)!r}: swap or correct them")
    return first, last


def _read_iso(text: str, name: str) -> datetime | date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ScheduleError(f"{name}={text!r} is no date: {_HOW_TO_WRITE}") from error


def _moment_of(value: datetime, timezone: str) -> int:
    if value.utcoffset() is not None:
        return from_datetime(value)
    since = value.replace(tzinfo=None) - _EPOCH
    local_second = since.days * 86_400 + since.seconds
    zone = load_zone(timezone)
    instant = daylight.first_instant(zone, local_second)
    if instant + daylight.offset_at(zone, instant) != local_second:
        return instant * MICROSECONDS  # the local clock never showed this second: the first moment after the gap
    return instant * MICROSECONDS + since.microseconds
