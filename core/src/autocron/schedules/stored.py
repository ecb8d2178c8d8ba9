"""Schedules as text for the store, and back.

The text is canonical: keys sorted, values as the schedule holds them, so two texts differ exactly if the
schedules do.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from autocron.errors import ScheduleError
from autocron.schedules.cron_schedule import CronSchedule
from autocron.schedules.date_schedule import DateSchedule
from autocron.schedules.days import DayRule, DaySet, Nth
from autocron.schedules.interval_schedule import IntervalSchedule
from autocron.schedules.zones import load_zone

if TYPE_CHECKING:
    from autocron.schedules.protocol import Schedule


def cron_to_json(schedule: CronSchedule) -> str:
    rule = schedule.days
    return _dump(
        kind="cron",
        seconds=schedule.seconds,
        minutes=schedule.minutes,
        hours=schedule.hours,
        months=rule.months,
        days=_day_set_out(rule.days),
        only=_day_set_out(rule.only),
        years=schedule.years,
        timezone=schedule.timezone,
        start=schedule.start,
        end=schedule.end,
    )


def interval_to_json(schedule: IntervalSchedule) -> str:
    return _dump(
        kind="interval",
        every=schedule.every,
        start_now=schedule.start_now,
        timezone=schedule.timezone,
        start=schedule.start,
        end=schedule.end,
    )


def date_to_json(schedule: DateSchedule) -> str:
    return _dump(kind="date", moment=schedule.moment, timezone=schedule.timezone)


def from_json(text: str) -> Schedule:
    """The schedule that ``to_json()`` wrote.

    Raises ``ScheduleError`` if the text is damaged or from a newer version, or if its zone is unknown here.
    """
    try:
        content = json.loads(text)
        schedule = _READERS[content["kind"]](content)
        load_zone(schedule.timezone)
        schedule.next_after(0)  # what can't be computed can't have been written
        if schedule.to_json() != text:
            raise ValueError("not as it was written")
    except ScheduleError:
        raise
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise ScheduleError(
            f"the stored schedule {text!r:.200} can't be read: it is damaged, or of a newer version; "
            "start the application once to store it again"
        ) from error
    return schedule


def _cron_in(content: dict[str, Any]) -> Schedule:
    rule = DayRule(tuple(content["months"]), _day_set_in(content["days"]), _day_set_in(content["only"]))
    return CronSchedule(
        seconds=tuple(content["seconds"]),
        minutes=tuple(content["minutes"]),
        hours=tuple(content["hours"]),
        days=rule,
        years=None if content["years"] is None else tuple(content["years"]),
        timezone=content["timezone"],
        start=content["start"],
        end=content["end"],
    )


def _interval_in(content: dict[str, Any]) -> Schedule:
    return IntervalSchedule(content["every"], content["start_now"], content["timezone"], content["start"], content["end"])


def _date_in(content: dict[str, Any]) -> Schedule:
    return DateSchedule(content["moment"], content["timezone"])


_READERS = {"cron": _cron_in, "interval": _interval_in, "date": _date_in}


def _day_set_out(days: DaySet) -> dict[str, Any]:
    """Only what is there: a set names its days in one way as a rule."""
    out = {"numbers": days.numbers, "weekdays": days.weekdays, "last": days.last, "nths": days.nths}
    return {name: value for name, value in out.items() if value}


def _day_set_in(content: dict[str, Any]) -> DaySet:
    return DaySet(
        numbers=tuple(content.get("numbers", ())),
        weekdays=tuple(content.get("weekdays", ())),
        last=content.get("last", False),
        nths=tuple(Nth(*nth) for nth in content.get("nths", ())),
    )


def _dump(**content: object) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"))
