"""Checking the settings given to ``start()`` and on the command line."""

from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from autocron.errors import ConfigurationError


class SettingsGiven(TypedDict, total=False):
    """The settings of ``start``; what isn't given keeps its stored value."""

    workers: int
    threads: int
    coroutines: int
    max_jobs: int
    max_memory_mb: int
    result_ttl: float
    durability: str
    timezone: str | None
    shutdown_grace: float
    serializer: str


def checked_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as they are stored. Raises ConfigurationError naming the setting, the value and the remedy."""
    for name in given:
        if name not in _CHECKS:
            import difflib  # only for the message

            near = difflib.get_close_matches(name, _CHECKS, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ConfigurationError(f"there is no setting {name!r}: {hint}Settings are {', '.join(_CHECKS)}")
    return {name: _CHECKS[name](name, value) for name, value in given.items()}


def checked_stored(name: str, value: Any) -> dict[str, Any]:
    """A setting as it was read from a database: empty for one that a newer version has stored."""
    if name == "autocron_lock":
        if not isinstance(value, bool):
            raise ConfigurationError(f"{name}={value!r} must be true or false")
        return {name: value}
    if name not in _CHECKS:
        return {}
    checked = _CHECKS[name](name, value)
    return {} if checked is None else {name: checked}


def _at_least_one(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1000:
        what = {"workers": "worker processes", "threads": "threads per worker"}.get(name, "async jobs at once per worker")
        raise ConfigurationError(
            f"{name}={value!r}: give a whole number of {what}, 1 or more. To run nothing, set the environment "
            "variable AUTOCRON_DISABLE=1, or `autocron DATABASE --set-autocron-lock on`"
        )
    return value


def _count_or_never(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 1_000_000_000:
        what = "jobs after which a worker is replaced" if name == "max_jobs" else "megabytes above which a worker is replaced"
        raise ConfigurationError(f"{name}={value!r}: give the number of {what}, or 0 for never")
    return value


def _seconds(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e10:
        raise ConfigurationError(f"{name}={value!r}: give a number of seconds, 0 or more")
    return float(value)


def _one_of(*allowed: str) -> Callable[[str, Any], str]:
    def check(name: str, value: Any) -> str:
        if value not in allowed:
            raise ConfigurationError(f"{name}={value!r}: give {' or '.join(map(repr, allowed))}")
        return str(value)

    return check


def _timezone(name: str, value: Any) -> str | None:
    if value is None or value == "":
        return None
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # only where a zone is given

    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise ConfigurationError(
            f"{name}={value!r} is no time zone known here: give an IANA name such as 'Europe/Berlin' (where the system "
            "has no time zone data, install the package tzdata)"
        ) from None
    return str(value)


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "workers": _at_least_one,
    "threads": _at_least_one,
    "coroutines": _at_least_one,
    "max_jobs": _count_or_never,
    "max_memory_mb": _count_or_never,
    "result_ttl": _seconds,
    "durability": _one_of("normal", "full"),
    "timezone": _timezone,
    "shutdown_grace": _seconds,
    "serializer": _one_of("json", "pickle"),
}
