"""Which days a schedule runs on, and finding the next one without walking the calendar.

There are only fourteen kinds of year: a leap year or not, beginning on one of seven weekdays. For each kind,
the matching days are the set bits of one integer (bit 0 = 1 January). The next day is the next set bit; when
a year has none left, the next year that has one is found by looking at one integer per year. The calendar
repeats after 400 years, so a search that has looked at that many has seen everything.
"""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import NamedTuple

LAST = -1
_CALENDAR_CYCLE = 400
_LAST_YEAR = 9998
_MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Nth(NamedTuple):
    """The first to fifth (1-5), or the last (``LAST``), of a weekday (Monday = 0) in each month."""

    weekday: int
    number: int


class DaySet(NamedTuple):
    """Days of a month, named by number, by weekday (Monday = 0) or by place; one of them is enough."""

    numbers: tuple[int, ...] = ()
    weekdays: tuple[int, ...] = ()
    last: bool = False
    nths: tuple[Nth, ...] = ()

    @property
    def is_every_day(self) -> bool:
        return len(self.numbers) == 31 or len(self.weekdays) == 7

    def __or__(self, other: "DaySet") -> "DaySet":
        return DaySet(
            _merged(self.numbers, other.numbers),
            _merged(self.weekdays, other.weekdays),
            self.last or other.last,
            tuple(sorted({*self.nths, *other.nths})),
        )

    def in_month(self, first_weekday: int, length: int) -> int:
        """The days of a month that begins on this weekday, as bits (bit 0 = the 1st)."""
        days = {number - 1 for number in self.numbers}
        if self.last:
            days.add(length - 1)
        for weekday in self.weekdays:
            days.update(range((weekday - first_weekday) % 7, length, 7))
        for weekday, number in self.nths:
            its_days = range((weekday - first_weekday) % 7, length, 7)
            if number == LAST or number <= len(its_days):
                days.add(its_days[number if number == LAST else number - 1])
        return sum(1 << day for day in days if day < length)


EVERY_DAY = DaySet(numbers=tuple(range(1, 32)))
EVERY_MONTH = tuple(range(1, 13))


class DayRule(NamedTuple):
    """The days of a schedule: in one of the months, one of ``days``, and one of ``only`` as well."""

    months: tuple[int, ...] = EVERY_MONTH
    days: DaySet = EVERY_DAY
    only: DaySet = EVERY_DAY

    @classmethod
    def either(cls, months: tuple[int, ...], days: DaySet, weekdays: DaySet) -> "DayRule":
        """Days in one of two sets."""
        union = days | weekdays
        return cls(months, EVERY_DAY if union.is_every_day else union)

    @classmethod
    def both(cls, months: tuple[int, ...], days: DaySet, weekdays: DaySet) -> "DayRule":
        """Days in both of two sets."""
        if weekdays.is_every_day:
            return cls(months, EVERY_DAY if days.is_every_day else days)
        return cls(months, weekdays) if days.is_every_day else cls(months, days, weekdays)

    def ever_comes(self, years: tuple[int, ...] | None) -> bool:
        """Whether any year (of the given ones) has such a day."""
        if years is None:
            return any(_days_of_year(self, leap, weekday) for leap in (True, False) for weekday in range(7))
        return any(_days_of_year(self, *_kind_of_year(date(year, 1, 1))) for year in years)

    def next_day(self, ordinal: int, years: tuple[int, ...] | None) -> int | None:
        """The first matching day on or after this one (both proleptic ordinals, as in ``datetime.date``)."""
        year = date.fromordinal(ordinal).year
        for candidate in _years_from(year, years):
            january_1 = date(candidate, 1, 1)
            start = january_1.toordinal()
            passed = max(ordinal - start, 0)
            left = _days_of_year(self, *_kind_of_year(january_1)) >> passed
            if left:
                return start + passed + (left & -left).bit_length() - 1
        return None


def _years_from(year: int, years: tuple[int, ...] | None) -> Iterable[int]:
    if years is None:
        return range(year, min(year + _CALENDAR_CYCLE, _LAST_YEAR) + 1)
    return (candidate for candidate in years if candidate >= year)


def _kind_of_year(january_1: date) -> tuple[bool, int]:
    year = january_1.year
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return leap, january_1.weekday()


@lru_cache(maxsize=256)
def _days_of_year(rule: DayRule, leap: bool, first_weekday: int) -> int:
    """The matching days of one kind of year as bits (bit 0 = 1 January)."""
    bits = 0
    month_start = 0
    for month, usual_length in enumerate(_MONTH_LENGTHS, start=1):
        length = usual_length + (leap and month == 2)
        if month in rule.months:
            weekday = (first_weekday + month_start) % 7
            days = rule.days.in_month(weekday, length) & rule.only.in_month(weekday, length)
            bits |= days << month_start
        month_start += length
    return bits


def _merged(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted({*one, *other}))
