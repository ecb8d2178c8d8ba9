"""Schedules: rules that say when their slots are. Cron in two dialects, intervals, dates.

``cron()``, ``interval()`` and ``date()`` make them; each has ``next_after``, ``words`` and ``to_json``.
What daylight saving does to them is told in ``autocron.schedules.daylight``, the dialects in
``autocron.schedules.dialects``.

Importing the package costs next to nothing: each name loads its module when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autocron.schedules.cron_schedule import CronSchedule
    from autocron.schedules.date_schedule import DateSchedule, date
    from autocron.schedules.dialects import ambiguity, cron
    from autocron.schedules.explanation import explain
    from autocron.schedules.interval_schedule import IntervalSchedule, interval
    from autocron.schedules.protocol import Schedule
    from autocron.schedules.stored import from_json
    from autocron.schedules.zones import system_timezone

__all__ = [
    "CronSchedule",
    "DateSchedule",
    "IntervalSchedule",
    "Schedule",
    "ambiguity",
    "cron",
    "date",
    "explain",
    "from_json",
    "interval",
    "system_timezone",
]

_MODULES = {
    "CronSchedule": "cron_schedule",
    "DateSchedule": "date_schedule",
    "IntervalSchedule": "interval_schedule",
    "Schedule": "protocol",
    "ambiguity": "dialects",
    "cron": "dialects",
    "date": "date_schedule",
    "explain": "explanation",
    "from_json": "stored",
    "interval": "interval_schedule",
    "system_timezone": "zones",
}


def __getattr__(name: str) -> Any:
    """Load the module that a public name lives in (PEP 562), once."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value
