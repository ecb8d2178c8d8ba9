"""The options of tasks: what may be said, checked once at the decorator or the call, and what it comes to."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

from autocron import clock
from autocron.errors import ConfigurationError
from autocron.policy import DEFAULT_POLICY, LONGEST, Policy, qualified_name

ExceptionTypes = type[BaseException] | Sequence[type[BaseException]]


class JobOptions(TypedDict, total=False):
    """What may be said of the jobs of tasks and schedules alike. ``timeout`` and ``ttl`` are seconds."""

    retries: int
    backoff: str | float | Sequence[float]
    jitter: float
    retry_on: ExceptionTypes
    give_up_on: ExceptionTypes
    timeout: float | None
    ttl: float | None
    priority: int
    at_most_once: bool
    queue: str


class TaskOptions(JobOptions, total=False):
    """The options of ``@delay`` and ``Task.options``: also when the job starts, and whether it is unique.

    The durations are added up; ``delay`` is in seconds.
    """

    weeks: float
    days: float
    hours: float
    minutes: float
    seconds: float
    delay: float
    at: dt.datetime | None
    schedule: dt.datetime | None
    unique: bool | str


DELAYS = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1, "delay": 1}


class Options(NamedTuple):
    """Checked options. ``delay`` is in seconds; ``at`` may be naive, then it is in the configured time zone."""

    delay: float = 0.0
    at: dt.datetime | None = None
    priority: int = 0
    unique: bool | str = False
    queue: str = "default"
    policy: Policy = DEFAULT_POLICY
    policy_text: str = "{}"

    def changed(self, given: Mapping[str, Any], where: str) -> "Options":
        """These options with others laid over them. Raises ConfigurationError naming the option and ``where``."""
        if not given:
            return self
        unknown = [name for name in given if name not in _CHECKS]
        if unknown:
            raise ConfigurationError(_unknown_option(unknown[0], where))
        values = {name: _CHECKS[name](name, value, where) for name, value in given.items()}
        options = self
        if units := [name for name in DELAYS if name in values]:
            delay = _number("the delay", sum(values.pop(name) * DELAYS[name] for name in units), where)
            options = options._replace(delay=delay, at=None)
        for name in ("at", "schedule"):
            if name in values:
                options = options._replace(at=values.pop(name), delay=0.0 if not units else options.delay)
        if options.at is not None and options.delay:
            raise ConfigurationError(f"{where}: give either `at` or a delay (seconds, minutes, …), not both")
        own = {name: values.pop(name) for name in ("priority", "unique", "queue") if name in values}
        policy = options.policy._replace(**values)
        return options._replace(**own, policy=policy, policy_text=policy.to_json())

    def run_at(self, now: int, zone: Callable[[], dt.tzinfo]) -> int | None:
        """The earliest start, or None for at once."""
        if self.delay:
            return now + round(self.delay * clock.MICROSECONDS)
        if self.at is None:
            return None
        aware = self.at if self.at.tzinfo is not None else self.at.replace(tzinfo=zone())
        return clock.from_datetime(aware)


def _unknown_option(name: str, where: str) -> str:
    import difflib  # only for the message

    near = difflib.get_close_matches(name, _CHECKS, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{where} has no option {name!r}: {hint}Its options are {', '.join(_CHECKS)}"


def _number(name: str, value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= LONGEST:
        raise ConfigurationError(f"{where}: {name}={value!r} must be a number of seconds, 0 or more")
    return value


def _quantity(name: str, value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= LONGEST:
        raise ConfigurationError(f"{where}: {name}={value!r} must be a number, 0 or more")
    return value


def _count(name: str, value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigurationError(f"{where}: {name}={value!r} must be a whole number, 0 or more")
    return value


def _priority(name: str, value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 2**31:
        raise ConfigurationError(f"{where}: {name}={value!r} must be a whole number; higher runs first, 0 is usual")
    return value


def _seconds_or_none(name: str, value: Any, where: str) -> float | None:
    if value is None:
        return None
    seconds = _number(name, value, where)
    if name == "timeout" and seconds == 0:
        raise ConfigurationError(f"{where}: timeout=0 would end every attempt at once; leave it out for no timeout")
    return seconds


def _moment(name: str, value: Any, where: str) -> dt.datetime | None:
    if value is not None and not isinstance(value, dt.datetime):
        raise ConfigurationError(f"{where}: {name}={value!r} must be a datetime, such as datetime(2027, 1, 1, 9, 30)")
    return value


def _backoff(name: str, value: Any, where: str) -> str | float | tuple[float, ...]:
    if value == "exponential":
        return "exponential"
    if isinstance(value, (list, tuple)) and value:
        return tuple(_number(name, pause, where) for pause in value)
    if isinstance(value, (int, float)):
        return _number(name, value, where)
    raise ConfigurationError(f'{where}: {name}={value!r} must be "exponential", a number of seconds, or a list of them')


def _exceptions(name: str, value: Any, where: str) -> tuple[str, ...]:
    types = value if isinstance(value, (list, tuple, set, frozenset)) else (value,)
    for each in types:
        if not (isinstance(each, type) and issubclass(each, BaseException)):
            raise ConfigurationError(f"{where}: {name}={value!r} must be an exception class or a list of them")
    return tuple(qualified_name(each) for each in types)


def _flag(name: str, value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(f"{where}: {name}={value!r} must be True or False")
    return value


def _unique(name: str, value: Any, where: str) -> bool | str:
    if not isinstance(value, (bool, str)) or value == "":
        raise ConfigurationError(f"{where}: {name}={value!r} must be True (same arguments) or a key, a text")
    return value


def _queue(name: str, value: Any, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f'{where}: {name}={value!r} must be a queue\'s name, such as "mail"')
    return value


_CHECKS: dict[str, Callable[[str, Any, str], Any]] = {
    **dict.fromkeys(DELAYS, _quantity),
    "at": _moment,
    "schedule": _moment,
    "retries": _count,
    "backoff": _backoff,
    "jitter": _number,
    "retry_on": _exceptions,
    "give_up_on": _exceptions,
    "timeout": _seconds_or_none,
    "ttl": _seconds_or_none,
    "priority": _priority,
    "unique": _unique,
    "at_most_once": _flag,
    "queue": _queue,
}
