"""A schedule as it was declared by a decorator, and as the store keeps it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from autocron.errors import ConfigurationError
from autocron.model import LONGEST, ScheduledTask
from autocron.options import DELAYS, JobOptions
from autocron.schedules.protocol import Schedule
from autocron.tasks import Task


class ScheduleOptions(JobOptions, total=False):
    """What ``@cron``, ``@periodic`` and ``@at`` take beside their times; ``jitter`` (seconds) is the slots' own."""

    misfire: str
    grace: float | None
    overlap: str


class Firing(NamedTuple):
    """How slots become jobs. ``grace`` and ``jitter`` are seconds."""

    misfire: str = "latest"
    grace: float | None = None
    overlap: str = "skip"
    jitter: float = 0.0


class Declared(NamedTuple):
    """A decorated function with its schedule, which is built for the time zone that is configured at the start."""

    task: Task[..., Any]
    function: Callable[..., Any]
    build: Callable[[str | None], Schedule]
    firing: Firing
    args: tuple[Any, ...]

    def free_name(self, known: "Mapping[str, Declared]") -> str:
        """The task's name; with a number behind it where the same function has another schedule already.

        A second function of that name is the same one imported twice (as main module and by name): it replaces it.
        """
        name, number = self.task.name, 1
        while name in known and known[name].function is self.function:
            number += 1
            name = f"{self.task.name}#{number}"
        return name

    def scheduled(self, name: str, zone: str | None, now: int) -> ScheduledTask:
        """As the store keeps it. ``now`` anchors intervals if the schedule is new."""
        from autocron import codec  # at the decorator nothing is encoded yet

        schedule = self.build(zone)
        options = self.task.job_options
        return ScheduledTask(
            name=name,
            task=self.task.name,
            spec=schedule.to_json(),
            words=schedule.words(),
            application=0,
            arguments=codec.encode_call(self.args, {}, task=self.task.name),
            queue=options.queue,
            priority=options.priority,
            policy=options.policy_text,
            misfire=self.firing.misfire,
            grace=self.firing.grace,
            overlap=self.firing.overlap,
            jitter=self.firing.jitter,
            anchor=now,
            next_run_at=schedule.next_after(now - 1, anchor=now),
            concurrent=self.task.concurrent,
        )


def split_schedule_options(given: Mapping[str, Any], where: str) -> tuple[Firing, dict[str, Any]]:
    """What concerns the slots, checked, and what concerns their jobs."""
    options = dict(given)
    firing = Firing(
        misfire=_one_of("misfire", options.pop("misfire", "latest"), ("latest", "skip", "all"), where),
        grace=_seconds("grace", options.pop("grace", None), where),
        overlap=_one_of("overlap", options.pop("overlap", "skip"), ("skip", "queue", "allow"), where),
        jitter=_seconds("jitter", options.pop("jitter", 0.0), where) or 0.0,
    )
    for name in options:
        if name in DELAYS or name in ("at", "schedule", "unique"):
            raise ConfigurationError(f"{where} has no option {name!r}: when its jobs run is said by the schedule")
    return firing, options


def _one_of(name: str, value: Any, allowed: Iterable[str], where: str) -> str:
    if value not in allowed:
        raise ConfigurationError(f"{where}: {name}={value!r} must be one of {', '.join(map(repr, allowed))}")
    return str(value)


def _seconds(name: str, value: Any, where: str) -> float | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= LONGEST):
        raise ConfigurationError(f"{where}: {name}={value!r} must be a number of seconds, 0 or more")
    return value
