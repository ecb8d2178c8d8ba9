"""Schedules in English."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from autocron.clock import MICROSECONDS
from autocron.schedules.days import EVERY_MONTH, LAST, DayRule, DaySet
from autocron.schedules.fields import MONTH_NAMES, WEEKDAY_NAMES
from autocron.schedules.zones import load_zone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from autocron.schedules.cron_schedule import CronSchedule
    from autocron.schedules.date_schedule import DateSchedule
    from autocron.schedules.interval_schedule import IntervalSchedule

# More clock times than this read better as "at minute 0 of the hours …".
_MOST_TIMES = 6
_UNITS = (("week", 604_800), ("day", 86_400), ("hour", 3600), ("minute", 60))


def cron_words(schedule: CronSchedule) -> str:
    """ "At 09:30 on Monday and Wednesday (Europe/Berlin)"."""
    times = _time_words(schedule.seconds, schedule.minutes, schedule.hours)
    days = day_words(schedule.days, schedule.years)
    bounds = _bound_words(schedule.start, schedule.end, schedule.timezone)
    return f"{times}{' ' if days else ''}{days}{bounds} ({schedule.timezone})"


def interval_words(schedule: IntervalSchedule) -> str:
    """ "Every hour", "Every 1 hour and 30 minutes, from 2027-01-01 00:00 (Europe/Berlin)"."""
    seconds, microseconds = divmod(schedule.every, MICROSECONDS)
    parts: list[tuple[int | float, str]] = []
    for unit, size in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append((count, unit))
    if microseconds:
        parts.append((round(seconds + microseconds / MICROSECONDS, 6), "second"))
    elif seconds:
        parts.append((seconds, "second"))
    if len(parts) == 1 and parts[0][0] == 1:
        words = f"Every {parts[0][1]}"
    else:
        words = "Every " + _and(f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in parts)
    if schedule.start_now:
        words += ", starting at once"
    bounds = _bound_words(schedule.start, schedule.end, schedule.timezone)
    return f"{words}{bounds} ({schedule.timezone})" if bounds else words


def date_words(schedule: DateSchedule) -> str:
    """ "Once, on Friday 1 January 2027 at 00:00 (Europe/Berlin)"."""
    local = _local(schedule.moment, schedule.timezone)
    day = f"{WEEKDAY_NAMES[local.weekday()]} {local.day} {MONTH_NAMES[local.month - 1]} {local.year}"
    return f"Once, on {day} at {_clock(local)} ({schedule.timezone})"


def day_words(rule: DayRule, years: tuple[int, ...] | None) -> str:
    """ "on Monday and on the 10th to 15th of the month, in April and July"; "" for every day."""
    parts: list[str] = []
    if not rule.days.is_every_day:
        parts.append(_and(f"on {phrase}" for phrase in _day_phrases(rule.days)))
    if not rule.only.is_every_day:
        parts.append("if that is " + _join(_day_phrases(rule.only, each="a "), "or"))
    when: list[str] = []
    if rule.months != EVERY_MONTH:
        when.append("in " + _spans(rule.months, lambda month: MONTH_NAMES[month - 1], cycle=EVERY_MONTH))
    if years is not None:
        when.append("in " + _spans(years, str))
    comma = "," if rule.days.numbers and parts and when else ""
    words = " ".join(parts) + comma
    return " ".join(part for part in (words, *when) if part)


def _time_words(seconds: tuple[int, ...], minutes: tuple[int, ...], hours: tuple[int, ...]) -> str:
    if len(hours) < 24 and len(seconds) * len(minutes) * len(hours) <= _MOST_TIMES:
        times = [(hour, minute, second) for hour in hours for minute in minutes for second in seconds]
        shown = 2 if seconds == (0,) else 3
        return "At " + _and(":".join(f"{part:02}" for part in time[:shown]) for time in times)
    parts: list[str] = []
    if seconds != (0,):
        parts.append(_unit_words("second", seconds))
    if len(minutes) < 60 or not parts:
        parts.append(_unit_words("minute", minutes))
    elif not parts[0].startswith("every"):
        parts.append("every minute")
    if len(hours) < 24:
        stride = _stride(hours, 24)
        if stride:
            parts.append(f"every {_ordinal(stride)} hour")
        else:
            parts.append(f"the hour{'' if len(hours) == 1 else 's'} {_spans(hours, str, cycle=range(24))}")
    elif not parts[-1].startswith("every"):
        parts.append("every hour")
    words = " of ".join(parts)
    return words[0].upper() + words[1:]


def _unit_words(unit: str, values: tuple[int, ...]) -> str:
    """ "every minute", "every 15 minutes", "at minutes 1, 5 and 7" (of sixty)."""
    stride = _stride(values, 60)
    if stride:
        return f"every {unit}" if stride == 1 else f"every {stride} {unit}s"
    return f"at {unit}{'' if len(values) == 1 else 's'} {_spans(values, str)}"


def _stride(values: tuple[int, ...], size: int) -> int | None:
    """n if the values are 0, n, 2n … and go round evenly, as ``*/n`` does."""
    stride = size // len(values)
    return stride if stride < size and values == tuple(range(0, size, stride)) and size % stride == 0 else None


def _day_phrases(days: DaySet, each: str = "") -> list[str]:
    """What the set names: "Monday to Friday", "the 1st and 15th of the month", "the last Friday …"."""
    phrases: list[str] = []
    if days.weekdays:
        # After "if that is" each weekday stands alone: "a Monday or a Tuesday".
        if each:
            phrases.extend(each + WEEKDAY_NAMES[weekday] for weekday in days.weekdays)
        else:
            phrases.append(_spans(days.weekdays, lambda day: WEEKDAY_NAMES[day], cycle=range(7)))
    if days.numbers:
        phrases.append(f"the {_spans(days.numbers, _ordinal)} of the month")
    if days.last:
        phrases.append("the last day of the month")
    for weekday, number in days.nths:
        which = "last" if number == LAST else _ordinal(number)
        phrases.append(f"the {which} {WEEKDAY_NAMES[weekday]} of the month")
    return phrases


def _bound_words(start: int | None, end: int | None, timezone: str) -> str:
    words = ""
    for preposition, moment in (("from", start), ("until", end)):
        if moment is not None:
            local = _local(moment, timezone)
            words += f", {preposition} {local:%Y-%m-%d} {_clock(local)}"
    return words


def _local(moment: int, timezone: str) -> datetime:
    seconds, microseconds = divmod(moment, MICROSECONDS)
    return datetime.fromtimestamp(seconds, load_zone(timezone)).replace(microsecond=microseconds)


def _clock(local: datetime) -> str:
    """Hours and minutes, and seconds if there are any; fractions are left out."""
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


def _spans(values: Iterable[int], name: Callable[[int], str], cycle: Sequence[int] = ()) -> str:
    """ "1, 2 and 5 to 9": three or more in a row are a span, also round a cycle ("Friday to Monday")."""
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    if cycle and len(runs) > 1 and runs[0][0] == cycle[0] and runs[-1][-1] == cycle[-1]:
        runs[0] = runs.pop() + runs[0]
    phrases: list[str] = []
    for run in runs:
        if len(run) > 2:
            phrases.append(f"{name(run[0])} to {name(run[-1])}")
        else:
            phrases.extend(name(value) for value in run)
    return _and(phrases)


def _ordinal(number: int) -> str:
    suffix = "th" if number in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def _and(phrases: Iterable[str]) -> str:
    return _join(list(phrases), "and")


def _join(phrases: list[str], conjunction: str) -> str:
    if len(phrases) < 2:
        return "".join(phrases)
    return f"{', '.join(phrases[:-1])} {conjunction} {phrases[-1]}"
