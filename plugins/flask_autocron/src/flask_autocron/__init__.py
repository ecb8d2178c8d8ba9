"""autocron for Flask: ``flask_autocron.init_app(app)``, and calls of tasks run in worker processes beside the app."""

from __future__ import annotations

import os
import sys
from typing import Any

import click
from flask import Flask
from flask.cli import ScriptInfo

import autocron

__all__ = ["AutoCron", "init_app"]


class AutoCron:
    """The extension: ``AutoCron(app)``, or ``AutoCron()`` and later ``init_app(app)`` in a factory.

    ``instance`` is the ``autocron.Autocron`` to start; by default the one behind ``autocron.delay`` and ``autocron.cron``.
    """

    def __init__(self, app: Flask | None = None, *, instance: autocron.Autocron = autocron.default) -> None:
        self.instance = instance
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Start autocron for this application; its jobs run in an application context each.

        ``AUTOCRON_DATABASE`` is a name or an absolute path (default: the application's name with ``.db``);
        ``AUTOCRON_WORKERS`` and so on are the settings of ``autocron.start``. ``AUTOCRON_APP`` says how workers find the
        application, as ``flask --app`` does, where that can't be told: ``"package.module:create_app('production')"``.

        Raises RuntimeError when the application has been initialized before, ConfigurationError when ``instance`` runs the
        jobs of another application in this process, and what ``autocron.start`` raises.
        """
        if "autocron" in app.extensions:
            raise RuntimeError("this Flask application has autocron already: call init_app(app) or AutoCron(app) once")
        app.extensions["autocron"] = self
        database = app.config.setdefault("AUTOCRON_DATABASE", f"{app.name}.db")
        settings = {
            name.removeprefix("AUTOCRON_").lower(): value
            for name, value in app.config.items()
            if name.startswith("AUTOCRON_") and name not in ("AUTOCRON_DATABASE", "AUTOCRON_APP")
        }
        _tell_workers(app, self.instance)
        self.instance.start(database, **settings)
        app.cli.add_command(_command(str(database)))


def init_app(app: Flask) -> AutoCron:
    """Start autocron for this application and return the extension. See ``AutoCron.init_app``."""
    return AutoCron(app)


def _tell_workers(app: Flask, instance: autocron.Autocron) -> None:
    """Say where workers find the application."""
    target = app.config.get("AUTOCRON_APP") or _name_in_its_module(app)
    if target is None:
        target = _flask_command_target()
    module = app.import_name if target is None else None
    try:
        instance.setup_worker("flask_autocron.worker:setup", {"target": target}, module=module)
    except autocron.TaskDefinitionError:
        # A script that serves without a main guard. Workers import it by its file, where Flask ignores app.run().
        file = getattr(sys.modules["__main__"], "__file__", None)
        if not file:
            raise
        instance.setup_worker("flask_autocron.worker:setup", {"target": os.path.abspath(file)})


def _name_in_its_module(app: Flask) -> str | None:
    """``module:app`` where the application is a variable of its module already; not in a script, which has no name yet."""
    if app.import_name == "__main__":
        return None
    variables = vars(sys.modules[app.import_name]) if app.import_name in sys.modules else {}
    return next((f"{app.import_name}:{name}" for name, value in variables.items() if value is app), None)


def _flask_command_target() -> str | None:
    """What ``flask`` was told, or found, as its application ("" where it looks for ``wsgi.py`` and ``app.py``); None
    outside of the ``flask`` command."""
    context = click.get_current_context(silent=True)
    info = context.find_object(ScriptInfo) if context is not None else None
    if info is None:
        return None
    if info.create_app is not None:
        return f"{info.create_app.__module__}:{info.create_app.__qualname__}"
    return info.app_import_path or ""


def _command(database: str) -> click.Command:
    """``flask autocron …`` carries autocron's whole command line, for this application's database."""

    @click.command(
        "autocron",
        short_help="Background jobs: status, jobs, settings.",
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    )
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def command(arguments: tuple[str, ...]) -> Any:
        """The command line of autocron for this application's database: `flask autocron --help`."""
        sys.exit(autocron.command_line([database, *arguments]))

    return command
