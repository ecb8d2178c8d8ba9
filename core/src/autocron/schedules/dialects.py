"""Reading cron expressions and keywords: two dialects, one result.

============  ============================================  ================  =====================
dialect       fields                                        weekdays          days and weekdays
============  ============================================  ================  =====================
``autocron``  minutes hours weekdays months days            Monday = 0 … 6    either suffices
``unix``      [seconds] minutes hours days months weekdays  Sunday = 0 or 7   crontab(5), see below
============  ============================================  ================  =====================

A day field is *restricted* if it leaves something out; in the ``autocron`` dialect that is taken at its word,
so ``*/2`` is a restriction and ``*/1`` is none. The dialect's other rule: with anything but ``*`` as hours
and ``*`` as minutes it runs at minute 0, so that ``* 2 * * *`` is "every day at 2 am" and ``* */2 * * *``
"every two hours"; ``*/1`` means each minute.

The ``unix`` dialect is crontab(5)'s: a day field that *starts with* ``*`` counts as unrestricted for the rule
"either suffices". So ``0 0 */2 * mon`` runs on those odd days that are Mondays, and ``0 0 1-31 * mon`` on
every day. It also takes ``@daily`` and its kin.
"""

from collections.abc import Iterable
from typing import NamedTuple

from autocron.errors import ScheduleError
from autocron.schedules.cron_schedule import CronSchedule
from autocron.schedules.days import DayRule
from autocron.schedules.fields import (
    DAYS,
    HOURS,
    MINUTES,
    MONTHS,
    SECONDS,
    WEEKDAYS_FROM_MONDAY,
    WEEKDAYS_FROM_SUNDAY,
    YEARS,
    Field,
    FieldText,
    join_ordinals,
    read_days,
    read_numbers,
    read_weekdays,
)
from autocron.schedules.moments import DateLike, read_bounds
from autocron.schedules.zones import zone_name

FieldValue = int | str | Iterable[int | str] | None


class Dialect(NamedTuple):
    """The order of the five fields and what they mean."""

    name: str
    order: tuple[Field, ...]
    order_in_words: str

    @property
    def weekdays(self) -> Field:
        return next(field for field in self.order if field.key == "dow")


AUTOCRON = Dialect("autocron", (MINUTES, HOURS, WEEKDAYS_FROM_MONDAY, MONTHS, DAYS), "minutes hours weekdays months days")
UNIX = Dialect("unix", (MINUTES, HOURS, DAYS, MONTHS, WEEKDAYS_FROM_SUNDAY), "minutes hours days months weekdays")
_DIALECTS = {dialect.name: dialect for dialect in (AUTOCRON, UNIX)}

_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


def cron(
    expression: str | None = None,
    *,
    dialect: str | None = None,
    timezone: str | None = None,
    start_date: DateLike | None = None,
    end_date: DateLike | None = None,
    seconds: FieldValue = None,
    minutes: FieldValue = None,
    hours: FieldValue = None,
    dow: FieldValue = None,
    months: FieldValue = None,
    dom: FieldValue = None,
    years: FieldValue = None,
    days: FieldValue = None,
    days_of_week: FieldValue = None,
    crontab: str | None = None,
) -> CronSchedule:
    """A schedule from a cron expression, or from keywords.

    ``expression``: five fields in the order of ``dialect``, ``"autocron"`` (default) or ``"unix"``.
    ``crontab`` is another name for it; given with field keywords it wins over them, as it did in autotask.

    Keywords take a number, a list or range of numbers and names, or a text as in an expression
    (``hours="0-3"``, ``days="3rd fri"``). Those left out are ``*``, except ``seconds``, which is 0. ``days``
    is another name for ``dom``, ``days_of_week`` for ``dow``. Weekdays are numbered as in ``dialect``.

    ``timezone``: IANA name, default the machine's. ``start_date`` and ``end_date``: a datetime, a date or an
    ISO 8601 text, in ``timezone`` unless it has an offset; slots at these very moments count. An ``end_date``
    without a time includes that day.

    Raises ``ScheduleError`` naming the field, the value and the remedy.
    """
    if expression is not None and crontab is not None:
        raise ScheduleError("expression and crontab are the same thing: give one of them")
    text = expression if crontab is None else crontab
    keywords = {
        "seconds": seconds,
        "minutes": minutes,
        "hours": hours,
        **_one_of("dow", dow, "days_of_week", days_of_week),
        "months": months,
        **_one_of("dom", dom, "days", days),
        "years": years,
    }
    if expression is not None:
        given = [name for name, value in keywords.items() if value is not None]
        if given:
            raise ScheduleError(f"{expression!r} and {given[0]}= at once: write the whole as text or as keywords")
    zone = zone_name(timezone)
    start, end = read_bounds(start_date, end_date, zone)
    if text is not None:
        return _read_expression(text, dialect, zone, start, end)
    texts = {name: FieldText(_keyword_text(name, value), name) for name, value in keywords.items()}
    aliases = {"days_of_week": "dow", "days": "dom"}
    return _assemble(
        {aliases.get(name, name): source for name, source in texts.items() if source.text},
        _dialect(dialect),
        (zone, start, end),
        written=", ".join(f"{name}={value!r}" for name, value in keywords.items() if value is not None),
    )


def ambiguity(expression: str) -> str | None:
    """The warning for an expression that the dialects read differently and that doesn't say which is meant.

    Only days count: ``None`` if neither the third nor the fifth field is restricted, if only one dialect
    accepts the expression, or if both read the same.
    """
    try:
        ours, theirs = _parse(expression, AUTOCRON), _parse(expression, UNIX)
    except ScheduleError:
        return None
    fields = join_ordinals(expression.split())
    if ours == theirs or len(fields) != 5 or fields[2] == fields[4] == "*":
        return None
    return (
        f"{expression!r} can be read in two ways. It is taken as autocron's own order "
        f"({AUTOCRON.order_in_words}): {_bare_words(ours)}. In crontab(5)'s order ({UNIX.order_in_words}) "
        f'it would be: {_bare_words(theirs)}. Say which is meant: dialect="autocron" or dialect="unix".'
    )


def _read_expression(text: str, dialect: str | None, zone: str, start: int | None, end: int | None) -> CronSchedule:
    reading = _dialect(dialect)
    try:
        return _parse(text, reading, zone, start, end)
    except ScheduleError as error:
        other = UNIX if reading is AUTOCRON else AUTOCRON
        if not _accepts(text, other):
            raise
        hint = f'; if {other.order_in_words} is the order meant, pass dialect="{other.name}"'
        raise ScheduleError(f"{error}{hint}") from None


def _accepts(text: object, dialect: Dialect) -> bool:
    try:
        _parse(text, dialect)
    except ScheduleError:
        return False
    return True


def _parse(text: object, dialect: Dialect, zone: str = "UTC", start: int | None = None, end: int | None = None) -> CronSchedule:
    """Read an expression in one dialect."""
    if not isinstance(text, str):
        raise ScheduleError(f'{text!r} is no cron expression: write a text such as "30 9 * * *"')
    fields = join_ordinals(text.split())
    if fields and fields[0].startswith("@"):
        fields = _expand_macro(text.strip(), dialect).split()
    order = dialect.order
    if dialect is UNIX and len(fields) == 6:
        order = (SECONDS, *order)
    if len(fields) != len(order):
        raise ScheduleError(_wrong_count(text, len(fields), dialect))
    texts = {
        field.key: FieldText(value, f"field {position}")
        for position, (field, value) in enumerate(zip(order, fields, strict=True), start=1)
    }
    return _assemble(texts, dialect, (zone, start, end), written=repr(text))


def _assemble(
    texts: dict[str, FieldText], dialect: Dialect, bounds: tuple[str, int | None, int | None], *, written: str
) -> CronSchedule:
    """The schedule that the texts of the fields make; a field without a text is ``*``."""
    star = FieldText("*", "")
    minutes, hours = texts.get("minutes", star), texts.get("hours", star)
    seconds, months = texts.get("seconds", FieldText("0", "")), texts.get("months", star)
    days, weekdays, years = texts.get("dom", star), texts.get("dow", star), texts.get("years", star)
    if dialect is AUTOCRON and minutes.is_star and not hours.is_star:
        minutes = FieldText("0", "")
    day_set, weekday_set = read_days(days), read_weekdays(dialect.weekdays, weekdays)
    month_numbers = read_numbers(MONTHS, months)
    year_numbers = None if years.is_star else read_numbers(YEARS, years)
    if dialect is UNIX:
        either = not (days.text.startswith("*") or weekdays.text.startswith("*"))
    else:
        either = not (day_set.is_every_day or weekday_set.is_every_day)
    combine = DayRule.either if either else DayRule.both
    zone, start, end = bounds
    schedule = CronSchedule(
        seconds=read_numbers(SECONDS, seconds),
        minutes=read_numbers(MINUTES, minutes),
        hours=read_numbers(HOURS, hours),
        days=combine(month_numbers, day_set, weekday_set),
        years=None if year_numbers and len(year_numbers) == YEARS.size else year_numbers,
        timezone=zone,
        start=start,
        end=end,
    )
    if not schedule.days.ever_comes(schedule.years):
        raise ScheduleError(_never(schedule, written, days, months))
    return schedule


def _expand_macro(text: str, dialect: Dialect) -> str:
    known = ", ".join(_MACROS)
    if text.lower() == "@reboot":
        raise ScheduleError(
            "'@reboot' names no moment in time: call the function when the application starts, or use "
            "periodic(..., start_now=True)"
        )
    expansion = _MACROS.get(text.lower())
    if expansion is None:
        raise ScheduleError(f"{text!r} is no known schedule: write one of {known}, or five fields")
    if dialect is not UNIX:
        raise ScheduleError(f"{text!r} is no expression of five fields ({dialect.order_in_words})")
    return expansion


def _wrong_count(text: str, count: int, dialect: Dialect) -> str:
    message = f"{text!r} has {count} field{'s' if count != 1 else ''}, not five: write {dialect.order_in_words}"
    if dialect is UNIX:
        return message + " (six with seconds in front), separated by spaces, with no spaces inside a list"
    return message + ", separated by spaces, with no spaces inside a list; seconds and years have keywords"


def _never(schedule: CronSchedule, written: str, days: FieldText, months: FieldText) -> str:
    from autocron.schedules.words import day_words

    where = " and ".join(f"{source.text!r} ({source.place})" for source in (days, months) if source.place)
    return (
        f"{written} never comes: no year has a day {day_words(schedule.days, schedule.years)}. "
        f"Change {where or 'the days'}, or write L for the last day of a month"
    )


def _dialect(name: object) -> Dialect:
    if name is None:
        return AUTOCRON
    if not isinstance(name, str) or name not in _DIALECTS:
        raise ScheduleError(f'dialect={name!r} is unknown: write "autocron" or "unix"')
    return _DIALECTS[name]


def _one_of(name: str, value: FieldValue, alias: str, other: FieldValue) -> dict[str, FieldValue]:
    """The value under the name that the caller used."""
    if value is not None and other is not None:
        raise ScheduleError(f"{name} and {alias} are the same field: give one of them")
    return {name: value} if other is None else {alias: other}


def _keyword_text(name: str, value: FieldValue) -> str:
    """A keyword's value as the text of a field; "" if it wasn't given."""
    if value is None:
        return ""
    if isinstance(value, str):
        return " ".join(value.split()) or "''"
    values = list(value) if isinstance(value, Iterable) else [value]
    if not values:
        raise ScheduleError(f"{name}={value!r} is empty: leave it out for any, or name at least one")
    for item in values:
        if isinstance(item, bool) or not isinstance(item, int | str):
            raise ScheduleError(f"{item!r} ({name}) is neither a number nor a text: write for example {name}=[1]")
    return ",".join(str(item).strip() for item in values)


def _bare_words(schedule: CronSchedule) -> str:
    return schedule.words().removesuffix(f" ({schedule.timezone})")
