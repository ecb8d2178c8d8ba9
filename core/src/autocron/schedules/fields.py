"""One field of a cron expression: its words, its limits, and reading its text.

A field's text is a list of items separated by commas. An item is ``*``, a number or a name, a range ``a-b``,
or one of ``*`` and a range with a step, ``*/n`` and ``a-b/n``. The two day fields also know ``L`` (or
``last``, the last day of the month), ``3rd fri`` and ``last fri``; the weekday field spells these ``fri#3``
and ``friL`` as well.

Ranges of hours, weekdays and months may wrap around: ``22-2``, ``fri-mon``, ``nov-feb``. For the others a
range that runs backwards is refused.
"""

from typing import NamedTuple, NoReturn

from autocron.errors import ScheduleError
from autocron.schedules.days import LAST, DaySet, Nth

WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
ORDINALS = {"1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "5th": 5, "last": LAST}


def _names(names: tuple[str, ...], first: int) -> dict[str, int]:
    """Full names and their first three letters, in lower case, numbered from ``first``."""
    full = {name.lower(): number for number, name in enumerate(names, start=first)}
    return {name[:3]: number for name, number in full.items()} | full


_WEEKDAYS = _names(WEEKDAY_NAMES, 0)


class Field(NamedTuple):
    """What may be written in one field. ``size`` is the number of different values, ``wraps`` allows 22-2."""

    key: str
    noun: str
    low: int
    high: int
    allowed: str
    wraps: bool = False
    names: tuple[tuple[str, int], ...] = ()

    @property
    def size(self) -> int:
        return 7 if self.key == "dow" else self.high - self.low + 1


SECONDS = Field("seconds", "second", 0, 59, "0 to 59")
MINUTES = Field("minutes", "minute", 0, 59, "0 to 59")
HOURS = Field("hours", "hour", 0, 23, "0 to 23", wraps=True)
MONTHS = Field(
    *("months", "month", 1, 12, "1 to 12, or jan to dec"),
    wraps=True,
    names=tuple(_names(MONTH_NAMES, 1).items()),
)
DAYS = Field(
    "dom",
    "day of the month",
    1,
    31,
    '1 to 31, L for the last day, or a weekday such as "3rd fri" or "last fri"',
)
YEARS = Field("years", "year", 1970, 2999, "1970 to 2999")
WEEKDAYS_FROM_MONDAY = Field(
    *("dow", "day of the week", 0, 6, "0 (Monday) to 6 (Sunday), or mon to sun"),
    wraps=True,
    names=tuple(_WEEKDAYS.items()),
)
WEEKDAYS_FROM_SUNDAY = Field(
    *("dow", "day of the week", 0, 7, "0 or 7 (Sunday), 1 (Monday) to 6 (Saturday), or sun to sat"),
    wraps=True,
    names=tuple((name, (number + 1) % 7) for name, number in _WEEKDAYS.items()),
)


class FieldText(NamedTuple):
    """The text of a field and the words by which an error message points at it: "field 3" or "dow"."""

    text: str
    place: str

    @property
    def is_star(self) -> bool:
        return self.text == "*"

    def refuse(self, problem: str, remedy: str) -> NoReturn:
        """Raise the error that names the field, the value and the remedy."""
        raise ScheduleError(f"{problem} ({self.place}): {remedy}")


def read_numbers(field: Field, source: FieldText) -> tuple[int, ...]:
    """The values of a field in the field's own numbers, sorted. Raises ``ScheduleError``."""
    values: set[int] = set()
    for item in _items(field, source):
        values.update(_read_item(field, item, source))
    return tuple(sorted(values))


def read_days(source: FieldText) -> DaySet:
    """The days that a day-of-month field names. Raises ``ScheduleError``."""
    numbers: set[int] = set()
    nths: set[Nth] = set()
    last = False
    for item in _items(DAYS, source):
        nth = _read_ordinal(item)
        if nth:
            nths.add(nth)
        elif item.lower() in ("l", "last"):
            last = True
        else:
            numbers.update(_read_item(DAYS, item, source))
    return DaySet(numbers=tuple(sorted(numbers)), last=last, nths=tuple(sorted(nths)))


def read_weekdays(field: Field, source: FieldText) -> DaySet:
    """The days that a weekday field names, with Monday = 0 in either dialect. Raises ``ScheduleError``."""
    shift = 1 if field is WEEKDAYS_FROM_SUNDAY else 0
    weekdays: set[int] = set()
    nths: set[Nth] = set()
    for item in _items(field, source):
        nth = _read_ordinal(item)
        if nth:
            nths.add(nth)
            continue
        name, hash_sign, number = item.partition("#")
        if hash_sign:
            if number not in ("1", "2", "3", "4", "5"):
                source.refuse(f"{item!r} is no {field.noun}", 'write "fri#1" to "fri#5", or "last fri"')
            nths.add(Nth((_read_value(field, name, source) - shift) % 7, int(number)))
        elif item.lower() in ("l", "last"):
            source.refuse(
                f"{item!r} is no {field.noun}",
                'write "last fri" for the last Friday; the last day of the month belongs in the days field',
            )
        elif item[-1] in "lL" and item[:-1]:
            nths.add(Nth((_read_value(field, item[:-1], source) - shift) % 7, LAST))
        else:
            weekdays.update((value - shift) % 7 for value in _read_item(field, item, source))
    return DaySet(weekdays=tuple(sorted(weekdays)), nths=tuple(sorted(nths)))


def join_ordinals(words: list[str]) -> list[str]:
    """Put "3rd", "fri" back together, so that a day with a space in it is one field."""
    joined: list[str] = []
    for word in words:
        before = joined[-1].lower().rpartition(",")[2] if joined else ""
        if before in ORDINALS and word.lower().partition(",")[0] in _WEEKDAYS:
            joined[-1] += " " + word
        else:
            joined.append(word)
    return joined


def _items(field: Field, source: FieldText) -> list[str]:
    items = [item.strip() for item in source.text.split(",")]
    if "" in items:
        source.refuse(f"the {field.noun} {source.text!r} has an empty item", f"write {field.allowed}")
    return items


def _read_ordinal(item: str) -> Nth | None:
    """ "3rd fri" or "last fri"; anything else is None."""
    ordinal, _, weekday = item.lower().partition(" ")
    weekday = weekday.strip()
    if ordinal in ORDINALS and weekday in _WEEKDAYS:
        return Nth(_WEEKDAYS[weekday], ORDINALS[ordinal])
    return None


def _read_item(field: Field, item: str, source: FieldText) -> list[int]:
    """The values of ``*``, ``a``, ``a-b``, ``*/n`` or ``a-b/n``."""
    body, slash, step_text = item.partition("/")
    step = _read_step(field, item, step_text, source) if slash else 1
    if body == "*":
        return list(range(field.low, field.low + field.size, step))
    first_text, dash, last_text = body.partition("-")
    first = _read_value(field, first_text, source, item)
    if not dash:
        if slash:
            source.refuse(
                f"the {field.noun} {item!r} has a step but no range",
                f"write '{body}-{field.high}/{step}' or '*/{step}'",
            )
        return [first]
    last = _read_value(field, last_text, source, item)
    if first <= last:
        return list(range(first, last + 1, step))
    if not field.wraps:
        tail, head = f"{first}-{field.high}", f"{field.low}-{last}"
        source.refuse(
            f"the {field.noun} {item!r} runs backwards",
            f"write '{last}-{first}' or, if it is meant so, '{tail},{head}'",
        )
    length = (last - first) % field.size + 1
    return [field.low + (first - field.low + passed) % field.size for passed in range(0, length, step)]


def _read_step(field: Field, item: str, text: str, source: FieldText) -> int:
    step = int(text) if _is_number(text) else 0
    if 1 <= step <= field.size:
        return step
    remedy = f"write 1 to {field.size} after the slash"
    if step and field in (SECONDS, MINUTES, HOURS):
        # The usual mistake: "*/90" for every 90 minutes.
        remedy += f"; for every {step} {field.key} use periodic({field.key}={step})"
    source.refuse(f"the {field.noun} {item!r} has no usable step", remedy)


def _read_value(field: Field, text: str, source: FieldText, item: str | None = None) -> int:
    """One number or name."""
    if _is_number(text):
        value = int(text)
        if field.low <= value <= field.high:
            return value
    for name, value in field.names:
        if name == text.lower():
            return value
    within = f" in {item!r}" if item and item != text else ""
    remedy = "write * for any" if text == "?" else f"write {field.allowed}"
    source.refuse(f"{text!r}{within} is no {field.noun}", remedy)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4
