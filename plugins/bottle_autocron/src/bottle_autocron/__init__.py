"""autocron for Bottle: ``app.install(bottle_autocron.AutocronPlugin("project.db"))``."""

from __future__ import annotations

import os
from typing import Any, TypeVar

from bottle import Bottle, PluginError

import autocron

__all__ = ["AutocronPlugin"]

Callback = TypeVar("Callback")


class AutocronPlugin:
    """Starts autocron when it is installed, and leaves every route as it is.

    ``database`` and ``settings`` are those of ``autocron.start``. ``instance`` is the ``autocron.Autocron`` to start;
    by default the one behind ``autocron.delay`` and ``autocron.cron``.
    """

    name = "autocron"
    api = 2

    def __init__(
        self, database: str | os.PathLike[str], *, instance: autocron.Autocron = autocron.default, **settings: Any
    ) -> None:
        self.database = database
        self.instance = instance
        self.settings = settings

    def setup(self, app: Bottle) -> None:
        """Bottle calls it in ``install``. Raises PluginError for a second one, and what ``autocron.start`` raises."""
        if any(isinstance(plugin, AutocronPlugin) for plugin in app.plugins):
            raise PluginError("this Bottle application has autocron already: install one AutocronPlugin, once")
        self.instance.start(self.database, **self.settings)

    def apply(self, callback: Callback, route: object) -> Callback:
        """A route's callback, unchanged: a request needs nothing from autocron."""
        return callback

    def close(self) -> None:
        """Detach; for ``app.uninstall`` and ``app.close``. ``bottle.run`` calls neither, and nobody has to."""
        self.instance.stop()
