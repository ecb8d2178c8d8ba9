"""A cron expression explained: what it says in words, and when it runs next."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from autocron import clock
from autocron.errors import ScheduleError
from autocron.schedules.dialects import ambiguity, cron
from autocron.schedules.zones import load_zone


def explain(
    expression: str,
    *,
    dialect: str | None = None,
    timezone: str | None = None,
    start: int | None = None,
    count: int = 5,
) -> dict[str, Any]:
    """The words of an expression and its next ``count`` runs strictly after ``start``.

    ``start`` is in microseconds UTC, default now. Returns ``expression``, ``words`` and ``runs`` (ISO 8601
    with offset; fewer than ``count`` if there are no more), and ``warning`` if the dialects read it
    differently and none was given. If it can't be read: ``expression`` and ``error``.
    """
    try:
        schedule = cron(expression, dialect=dialect, timezone=timezone)
    except ScheduleError as error:
        return {"expression": expression, "error": str(error)}
    zone = load_zone(schedule.timezone)
    runs: list[str] = []
    slot = schedule.next_after(clock.now() if start is None else start)
    while slot is not None and len(runs) < count:
        runs.append(datetime.fromtimestamp(slot // clock.MICROSECONDS, zone).isoformat())
        slot = schedule.next_after(slot)
    explanation: dict[str, Any] = {"expression": expression, "words": schedule.words(), "runs": runs}
    warning = ambiguity(expression) if dialect is None else None
    if warning:
        explanation["warning"] = warning
    return explanation
