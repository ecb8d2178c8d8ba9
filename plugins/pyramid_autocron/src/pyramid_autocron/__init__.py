"""autocron for Pyramid: ``config.include("pyramid_autocron")``, settings in the ini file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pyramid.config import PHASE1_CONFIG, Configurator
from pyramid.events import ApplicationCreated
from pyramid.exceptions import ConfigurationError

import autocron

__all__ = ["includeme"]

_SETTINGS: dict[str, Callable[[str], Any]] = {
    "workers": int,
    "threads": int,
    "coroutines": int,
    "max_jobs": int,
    "max_memory_mb": int,
    "result_ttl": float,
    "durability": str,
    "timezone": str,
    "shutdown_grace": float,
    "serializer": str,
}


def includeme(config: Configurator) -> None:
    """Start autocron when the application is made.

    ``autocron.database`` in the ini file is a name or an absolute path; ``autocron.workers`` and so on are the settings
    of ``autocron.start``. Raises pyramid's ConfigurationError at start-up for one that is missing or unknown.
    """
    start: dict[str, Any] = {}

    def read_settings() -> None:
        start.update(read(config.registry.settings))

    def begin(_: ApplicationCreated) -> None:
        autocron.start(**start)

    # Settings may be added until the configuration is committed.
    config.action(None, read_settings, order=PHASE1_CONFIG)
    config.add_subscriber(begin, ApplicationCreated)


def read(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of ``autocron.start`` from an application's settings."""
    given = {name.removeprefix("autocron."): value for name, value in settings.items() if name.startswith("autocron.")}
    if not given.get("database"):
        raise ConfigurationError("pyramid_autocron needs the setting autocron.database, such as `autocron.database = site.db`")
    arguments = {"database": given.pop("database")}
    for name, value in given.items():
        if name not in _SETTINGS:
            raise ConfigurationError(f"there is no setting autocron.{name}: settings are {', '.join(_SETTINGS)}")
        try:
            arguments[name] = _SETTINGS[name](value)
        except ValueError:
            raise ConfigurationError(f"autocron.{name} = {value} must be {_SETTINGS[name].__name__}") from None
    return arguments
