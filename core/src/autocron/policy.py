"""``Policy``: the options that travel with a job, how they are stored, and what they say after a failure."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

LONGEST = 1e10
"""Seconds (317 years): an upper bound of every duration, so that moments fit the database's integers."""

MAX_RETRY_DELAY = 86_400.0
"""Seconds: the longest pause of exponential backoff."""


def qualified_name(cls: type) -> str:
    """How a class of errors is named in a stored policy."""
    return f"{cls.__module__}.{cls.__qualname__}"


class Policy(NamedTuple):
    """What happens around a job's attempts. Travels with the job, so that the supervisor needs no application code."""

    retries: int = 0
    backoff: str | float | tuple[float, ...] = "exponential"
    jitter: float = 0.0
    retry_on: tuple[str, ...] = ()
    give_up_on: tuple[str, ...] = ()
    timeout: float | None = None
    ttl: float | None = None
    at_most_once: bool = False

    def to_json(self) -> str:
        """Only what differs from the defaults: most jobs store two bytes."""
        if self == DEFAULT_POLICY:
            return "{}"
        import json  # most tasks have no options

        changed = {name: value for name, value in self._asdict().items() if value != getattr(DEFAULT_POLICY, name)}
        return json.dumps(changed)

    @classmethod
    def from_json(cls, text: str) -> "Policy":
        """Raises ValueError for a damaged text."""
        return DEFAULT_POLICY if text == "{}" else _stored_policy(text)

    def retries_after(self, error: type[BaseException]) -> bool:
        """Whether this kind of error is one to retry after."""
        names = {qualified_name(cls) for cls in error.__mro__}
        if names & set(self.give_up_on):
            return False
        return not self.retry_on or bool(names & set(self.retry_on))

    def retry_delay(self, failures: int, chance: float) -> float | None:
        """Seconds until the next attempt after this many failures (at least 1), or None when none is left.

        ``chance`` in [0, 1) places the pause within the jitter. Exponential backoff doubles from 1 s up to a day.
        A list gives the pauses one by one; its last one serves for all further retries.
        """
        if failures > self.retries:
            return None
        if isinstance(self.backoff, tuple):
            pause = self.backoff[min(failures, len(self.backoff)) - 1]
        elif isinstance(self.backoff, str):
            pause = min(2.0 ** min(failures - 1, 20), MAX_RETRY_DELAY)
        else:
            pause = self.backoff
        return pause + self.jitter * chance


DEFAULT_POLICY = Policy()


@functools.lru_cache(maxsize=256)  # most jobs have one of a few
def _stored_policy(text: str) -> Policy:
    import json

    try:
        stored: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its policy can't be read ({error})") from error
    if not isinstance(stored, dict):
        raise ValueError(f"its policy is {text!r:.80}")
    values: dict[str, Any] = {}
    for name, value in stored.items():
        if name in _POLICY_CHECKS:  # a newer version may have stored more
            values[name] = tuple(value) if isinstance(value, list) else value
            if not _POLICY_CHECKS[name](values[name]):
                raise ValueError(f"its policy has {name}={value!r:.80}")
    return Policy(**values)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_duration(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= LONGEST


def _is_names(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(name, str) for name in value)


def _is_backoff(value: object) -> bool:
    if isinstance(value, tuple):
        return bool(value) and all(map(_is_duration, value))
    return value == "exponential" or _is_duration(value)


_POLICY_CHECKS: dict[str, Callable[[object], bool]] = {
    "retries": _is_count,
    "backoff": _is_backoff,
    "jitter": _is_duration,
    "retry_on": _is_names,
    "give_up_on": _is_names,
    "timeout": lambda value: value is None or _is_duration(value),
    "ttl": lambda value: value is None or _is_duration(value),
    "at_most_once": lambda value: isinstance(value, bool),
}
