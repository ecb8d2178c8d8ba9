"""A slow and obvious cron: walks minute by minute and asks of each whether the schedule runs.

It shares no code with the library. It doesn't parse either: the generators make an expression's text and its
meaning side by side.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

MINUTE = 60
ONE_MINUTE = timedelta(minutes=1)
DAY = 86_400
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
FROM = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp())
UNTIL = int(datetime(2038, 1, 1, tzinfo=UTC).timestamp())


class Seeded(Random):
    """A random source that a failing test can name; much faster than the one hypothesis makes up."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.first_seed = seed

    def __repr__(self) -> str:
        return f"Seeded({self.first_seed})"


@dataclass
class Days:
    """What one day field says: whether a date is in it, and whether the field counts as restricted."""

    text: str
    has: Callable[[date], bool]
    restricted: bool


@dataclass
class Meaning:
    """An expression and what it means."""

    text: str
    dialect: str
    minutes: set[int]
    hours: set[int]
    months: set[int]
    days: Days
    weekdays: Days
    known: dict[date, bool] = field(default_factory=dict)

    def on(self, day: date) -> bool:
        if day not in self.known:
            either = self.days.restricted and self.weekdays.restricted
            one, other = self.days.has(day), self.weekdays.has(day)
            self.known[day] = day.month in self.months and ((one or other) if either else (one and other))
        return self.known[day]

    def at(self, local: datetime) -> bool:
        return local.minute in self.minutes and local.hour in self.hours and self.on(local.date())

    @property
    def follows_elapsed_time(self) -> bool:
        return self.hours == set(range(24))


@dataclass
class Minute:
    """One minute of the timeline: what the local clock shows, and what it left out just before."""

    instant: int
    local: datetime
    again: bool
    left_out: list[datetime]


def timeline(zone: ZoneInfo, first: int, last: int) -> list[Minute]:
    """The minutes from ``first`` to ``last``; the local times of a day before are known as shown."""
    minutes: list[Minute] = []
    shown: set[datetime] = set()
    before: datetime | None = None
    for instant in range(first - DAY, last + 1, MINUTE):
        local = datetime.fromtimestamp(instant, zone).replace(tzinfo=None)
        left_out: list[datetime] = []
        if before is not None:
            skipped = before + ONE_MINUTE
            while skipped < local:
                left_out.append(skipped)
                skipped += ONE_MINUTE
        if instant >= first:
            left_out = [skipped for skipped in left_out if skipped not in shown]
            minutes.append(Minute(instant, local, local in shown, left_out))
        shown.add(local)
        before = local
    return minutes


def slots(meaning: Meaning, minutes: list[Minute]) -> list[int]:
    """The instants (seconds) of a timeline at which the schedule runs, by the rule of API.md."""
    if meaning.follows_elapsed_time:
        return [minute.instant for minute in minutes if meaning.at(minute.local)]
    return [
        minute.instant
        for minute in minutes
        if (meaning.at(minute.local) and not minute.again) or any(meaning.at(skipped) for skipped in minute.left_out)
    ]


@cache
def transitions(name: str) -> tuple[int, ...]:
    """The instants from 2000 to 2037 at which a zone's offset changes: found day by day, then by halving."""
    zone = ZoneInfo(name)

    def offset(instant: int) -> timedelta | None:
        return datetime.fromtimestamp(instant, zone).utcoffset()

    found: list[int] = []
    before = offset(FROM)
    for day in range(FROM, UNTIL, DAY):
        after = offset(day + DAY)
        if after == before:
            continue
        low, high = day, day + DAY
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == before else (low, middle)
        found.append(high)
        before = after
    return tuple(found)


def random_meaning(random: Random) -> Meaning:
    """An expression of either dialect, mostly one that runs several times a day, and what it means."""
    dialect = random.choice(("autocron", "unix"))
    minutes_text, minutes = random_numbers(random, 0, 59, star=0.3)
    hours_text, hours = random_numbers(random, 0, 23, star=0.35, wraps=True)
    if dialect == "autocron" and minutes_text == "*" and hours_text != "*":
        minutes = {0}
    months_text, months = random_numbers(random, 1, 12, star=0.8, wraps=True, names=MONTHS)
    days = random_days(random, dialect)
    weekdays = random_weekdays(random, dialect)
    if dialect == "autocron":
        parts = (minutes_text, hours_text, weekdays.text, months_text, days.text)
    else:
        parts = (minutes_text, hours_text, days.text, months_text, weekdays.text)
    return Meaning(" ".join(parts), dialect, minutes, hours, months, days, weekdays)


def random_numbers(
    random: Random, low: int, high: int, *, star: float, wraps: bool = False, names: tuple[str, ...] = ()
) -> tuple[str, set[int]]:
    """A list of one to three items, and the numbers in it."""
    if random.random() < star:
        return "*", set(range(low, high + 1))
    texts: list[str] = []
    numbers: set[int] = set()
    for _ in range(random.choice((1, 1, 2, 3))):
        text, item = _random_item(random, low, high, wraps, names)
        texts.append(text)
        numbers |= item
    return ",".join(texts), numbers


def _random_item(random: Random, low: int, high: int, wraps: bool, names: tuple[str, ...]) -> tuple[str, set[int]]:
    def spell(number: int) -> str:
        if names and random.random() < 0.5:
            name = names[(number - low) % len(names)]
            return random.choice((name, name.upper(), name.title()))
        return str(number)

    kind = random.choice(("number", "number", "range", "stepped range", "stepped star"))
    if kind == "number":
        number = random.randint(low, high)
        return spell(number), {number}
    step = random.randint(1, min(high - low + 1, random.choice((3, 10, 31))))
    if kind == "stepped star":
        return f"*/{step}", {number for number in range(low, high + 1) if (number - low) % step == 0}
    first, last = random.randint(low, high), random.randint(low, high)
    if first > last and not wraps:
        first, last = last, first
    text = f"{spell(first)}-{spell(last)}"
    walk = [first]
    while walk[-1] != last:
        walk.append(walk[-1] + 1 if walk[-1] < high else low)
    if kind == "stepped range":
        return f"{text}/{step}", set(walk[::step])
    return text, set(walk)


def random_days(random: Random, dialect: str) -> Days:
    """A day-of-month field."""
    kind = random.random()
    if kind < 0.15:
        ordinal, name, has = _random_nth(random)
        return Days(f"{ordinal} {name}", has, restricted=True)
    if kind < 0.25:
        text = random.choice(("L", "last", "l"))
        return Days(text, lambda day: day.day == calendar.monthrange(day.year, day.month)[1], restricted=True)
    text, numbers = random_numbers(random, 1, 31, star=0.55)
    restricted = not text.startswith("*") if dialect == "unix" else len(numbers) < 31
    return Days(text, lambda day: day.day in numbers, restricted)


def random_weekdays(random: Random, dialect: str) -> Days:
    """A weekday field, in the numbering of its dialect."""
    if random.random() < 0.12:
        ordinal, name, has = _random_nth(random)
        spelling = f"{name}L" if ordinal == "last" else f"{name}#{ordinal[0]}"
        return Days(random.choice((f"{ordinal} {name}", spelling)), has, restricted=True)
    names = WEEKDAYS if dialect == "autocron" else (WEEKDAYS[-1], *WEEKDAYS[:-1])
    text, numbers = random_numbers(random, 0, 6, star=0.6, wraps=True, names=names)
    if dialect == "autocron":
        return Days(text, lambda day: day.weekday() in numbers, restricted=len(numbers) < 7)
    if text == "0" and random.random() < 0.5:
        text = "7"
    return Days(text, lambda day: day.isoweekday() % 7 in numbers, restricted=not text.startswith("*"))


def _random_nth(random: Random) -> tuple[str, str, Callable[[date], bool]]:
    ordinal = random.choice(("1st", "2nd", "3rd", "4th", "5th", "last"))
    weekday = random.randrange(7)

    def has(day: date) -> bool:
        if day.weekday() != weekday:
            return False
        if ordinal == "last":
            return (day + timedelta(days=7)).month != day.month
        return (day.day + 6) // 7 == int(ordinal[0])

    return ordinal, WEEKDAYS[weekday], has
