"""autocron for Pyramid: ``config.include("pyramid_autocron")``, settings in the ini file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pyramid.config import PHASE1_CONFIG, Configurator
from pyramid.events import ApplicationCreated
from pyramid.exceptions import ConfigurationError

import autocron
from pyramid_autocron.origin import ini_being_loaded

__all__ = ["includeme"]

logger: Final = logging.getLogger(__name__)

_SETTINGS: dict[str, Callable[[str], Any]] = {
    "workers": int,
    "threads": int,
    "result_ttl": float,
    "durability": str,
    "timezone": str,
    "shutdown_grace": float,
    "serializer": str,
}
_OF_THE_ADAPTER = ("database", "app", "base_url", "instance")


def includeme(config: Configurator) -> None:
    """Start autocron when the application is made; its jobs have the application's registry and a request each.

    ``autocron.database`` in the ini file is a name or an absolute path; ``autocron.workers`` and so on are the settings
    of ``autocron.start``. Workers make the application from the same ini file; where none is loaded, ``autocron.app``
    names one, or a ``package.module:application``. ``autocron.base_url`` is what URLs begin with that jobs generate.
    ``autocron.instance`` is an ``autocron.Autocron`` or its dotted name, by default the one behind ``autocron.delay``.

    Raises pyramid's ConfigurationError at start-up for a setting that is missing or unknown.
    """
    found: list[Included] = []

    def read_settings() -> None:
        included = read(config.registry.settings or {})
        found.append(included)
        if included.instance is not None:
            included.instance = config.maybe_dotted(included.instance)

    def begin(_: ApplicationCreated) -> None:
        found[-1].start()

    # Settings may be added until the configuration is committed.
    config.action(None, read_settings, order=PHASE1_CONFIG)
    config.add_subscriber(begin, ApplicationCreated)


@dataclass
class Included:
    """What the settings of an application say. ``app`` is None where they don't, "" for: jobs need no application."""

    database: str
    settings: dict[str, Any]
    app: str | None
    base_url: str | None
    instance: Any

    def start(self) -> None:
        """Tell workers how to make the application, and start."""
        instance: autocron.Autocron = self.instance or autocron.default
        origin = ini_being_loaded() if self.app is None else {"app": self.app} if self.app else None
        if origin is not None:
            instance.setup_worker("pyramid_autocron.worker:setup", {**origin, "base_url": self.base_url})
        elif self.app is None:
            logger.warning(
                "jobs have no registry and no request, because this application was made without an ini file: set "
                "autocron.app to a package.module:name where workers find it, or to nothing if jobs don't need it"
            )
        instance.start(self.database, **self.settings)


def read(settings: Mapping[str, Any]) -> Included:
    """What an application's settings say. Raises ConfigurationError for what is missing, unknown or no such value."""
    given = {name.removeprefix("autocron."): value for name, value in settings.items() if name.startswith("autocron.")}
    if not given.get("database"):
        raise ConfigurationError("pyramid_autocron needs the setting autocron.database, such as `autocron.database = site.db`")
    arguments: dict[str, Any] = {}
    for name, value in given.items():
        if name in _OF_THE_ADAPTER:
            continue
        if name not in _SETTINGS:
            known = ", ".join((*_OF_THE_ADAPTER, *_SETTINGS))
            raise ConfigurationError(f"there is no setting autocron.{name}: settings are {known}")
        try:
            arguments[name] = _SETTINGS[name](value)
        except ValueError:
            raise ConfigurationError(f"autocron.{name} = {value} must be {_SETTINGS[name].__name__}") from None
    app = given.get("app")
    return Included(
        database=given["database"],
        settings=arguments,
        app=app.strip() if isinstance(app, str) else app,
        base_url=given.get("base_url"),
        instance=given.get("instance"),
    )
