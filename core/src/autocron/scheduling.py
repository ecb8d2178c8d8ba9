"""The decorators of schedules: ``cron``, ``periodic`` and ``at``."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from autocron import hosts
from autocron.errors import AutocronWarning
from autocron.options import Options
from autocron.tasks import Engine, Task

if TYPE_CHECKING:
    import datetime as dt

    from autocron.declared import Declared, ScheduleOptions
    from autocron.schedules import Schedule

F = TypeVar("F", bound=Callable[..., Any])


class Scheduling(ABC):
    """What ``Autocron`` offers for functions that run by the clock."""

    @abstractmethod
    def engine(self) -> Engine:
        """What runs the calls of this instance's tasks."""

    @abstractmethod
    def _add_schedule(self, declared: Declared) -> None:
        """Keep a schedule, and make it known if there is a database already."""

    def cron(
        self,
        expression: str | None = None,
        *,
        dialect: str | None = None,
        timezone: str | None = None,
        seconds: Any = None,
        minutes: Any = None,
        hours: Any = None,
        dow: Any = None,
        months: Any = None,
        dom: Any = None,
        years: Any = None,
        days: Any = None,
        days_of_week: Any = None,
        crontab: str | None = None,
        start_date: dt.datetime | dt.date | str | None = None,
        end_date: dt.datetime | dt.date | str | None = None,
        **firing_and_options: Unpack[ScheduleOptions],
    ) -> Callable[[F], F]:
        """Run the decorated function at the times of a cron expression, such as ``@cron("30 9 0,2 * *")``.

        The function takes no arguments and stays an ordinary function. See ``docs/schedules.md`` for the dialects,
        the keyword form, and what ``misfire``, ``grace`` (seconds), ``overlap`` and ``jitter`` (seconds) do. Raises
        ScheduleError naming the field, the value and the remedy.
        """
        from autocron import schedules  # only who schedules pays for it

        def build(zone: str | None) -> Schedule:
            return schedules.cron(
                expression,
                dialect=dialect,
                timezone=timezone or zone,
                seconds=seconds,
                minutes=minutes,
                hours=hours,
                dow=dow,
                months=months,
                dom=dom,
                years=years,
                days=days,
                days_of_week=days_of_week,
                crontab=crontab,
                start_date=start_date,
                end_date=end_date,
            )

        decorator = self._scheduled("@cron", build, firing_and_options)
        text = expression or crontab
        if text and dialect is None and hosts.worker() is None and (doubt := schedules.ambiguity(text)):
            warnings.warn(doubt, AutocronWarning, stacklevel=2)
        return decorator

    def periodic(
        self,
        *,
        weeks: float = 0,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
        start_now: bool = False,
        timezone: str | None = None,
        start_date: dt.datetime | dt.date | str | None = None,
        end_date: dt.datetime | dt.date | str | None = None,
        **firing_and_options: Unpack[ScheduleOptions],
    ) -> Callable[[F], F]:
        """Run the decorated function every so often; without any duration once an hour.

        Counted from the first time that the schedule is registered, without drift. ``start_now`` runs it then, too.
        """
        from autocron import schedules

        if not (weeks or days or hours or minutes or seconds):
            hours = 1

        def build(zone: str | None) -> Schedule:
            return schedules.interval(
                weeks=weeks,
                days=days,
                hours=hours,
                minutes=minutes,
                seconds=seconds,
                start_now=start_now,
                timezone=timezone or zone,
                start_date=start_date,
                end_date=end_date,
            )

        return self._scheduled("@periodic", build, firing_and_options)

    def at(
        self,
        when: str | dt.datetime | dt.date,
        *,
        args: Sequence[Any] = (),
        timezone: str | None = None,
        **firing_and_options: Unpack[ScheduleOptions],
    ) -> Callable[[F], F]:
        """Run the decorated function once, at a date: ``@at("2027-01-01T00:00", args=["happy new year"])``.

        ISO 8601 text, a datetime or a date; without an offset it is in the configured time zone.
        """
        from autocron import schedules

        def build(zone: str | None) -> Schedule:
            return schedules.date(when, timezone=timezone or zone)

        return self._scheduled("@at", build, firing_and_options, tuple(args))

    def _scheduled(
        self,
        where: str,
        build: Callable[[str | None], Schedule],
        firing_and_options: Mapping[str, Any],
        args: tuple[Any, ...] = (),
    ) -> Callable[[F], F]:
        from autocron.declared import Declared, split_schedule_options

        firing, options = split_schedule_options(firing_and_options, where)
        build(None)  # what can't be understood fails here, at the decorator
        checked = Options().changed(options, where)

        def decorate(function: F) -> F:
            plain = _plain(function)
            task: Task[..., Any] = Task(plain, checked, self.engine)
            task.check_arguments(args, {})
            self._add_schedule(Declared(task, plain, build, firing, args))
            return function

        return decorate


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function may be a task and have a schedule, too."""
    return function.function if isinstance(function, Task) else function
