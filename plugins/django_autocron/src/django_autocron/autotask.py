"""autotask's names over autocron: code written for it runs after changing its import line.

``from django_autocron.autotask import delayed_task, periodic_task, cron_task, WAITING, RUNNING, DONE, ERROR`` stands for
both ``autotask.tasks`` and ``autotask.task``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, Protocol, TypeVar

import autocron
from autocron import DONE, ERROR, RUNNING, WAITING

__all__ = ["DONE", "ERROR", "RUNNING", "WAITING", "cron_task", "delayed_task", "periodic_task"]

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])


class Delayed(Protocol):
    """What ``delayed_task(...)`` returns: the decorator."""

    def __call__(self, function: Callable[P, R], /) -> autocron.Task[P, R]: ...


def delayed_task(delay: float = 0, retries: int = 0, ttl: float = 300) -> Delayed:
    """A call of the function returns at once; a worker runs it after ``delay`` seconds at least.

    After an error it is run again, ``retries`` times. The result is kept for ``ttl`` seconds.
    """
    return autocron.delay(delay=delay, retries=retries, ttl=ttl)


def periodic_task(seconds: float = 3600, start_now: bool = False) -> Callable[[F], F]:
    """Run the function every so many seconds; with ``start_now`` for the first time at once."""
    return autocron.periodic(seconds=seconds, start_now=start_now)


def cron_task(
    minutes: Sequence[int] | None = None,
    hours: Sequence[int] | None = None,
    dow: Sequence[int] | None = None,
    months: Sequence[int] | None = None,
    dom: Sequence[int] | None = None,
    crontab: str | None = None,
) -> Callable[[F], F]:
    """Run the function at the times of a crontab, in the order minutes, hours, weekdays, months, days; Monday is 0.

    If ``crontab`` is given, all other arguments are ignored.
    """
    if crontab is not None:
        return autocron.cron(crontab=crontab, dialect="autocron")
    return autocron.cron(minutes=minutes, hours=hours, dow=dow, months=months, dom=dom)
