"""What a worker does with a Flask application: find it as the web process did, and give each job a context."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import ModuleType

from flask import Flask
from flask.cli import NoAppException, ScriptInfo, find_best_app


def setup(module: ModuleType | None = None, *, target: str | None) -> Callable[[], AbstractContextManager[object]]:
    """The factory of application contexts. ``target`` is what ``flask --app`` would be given, "" to look for it.

    Without it, ``module`` (the application's import name) holds the application, or a factory of it. Raises
    NoAppException saying how to name it.
    """
    # Flask's own word for it: an app.run() that the module comes to returns at once.
    before = os.environ.get("FLASK_RUN_FROM_CLI")
    os.environ["FLASK_RUN_FROM_CLI"] = "true"
    try:
        return find_application(module, target).app_context
    finally:
        if before is None:
            del os.environ["FLASK_RUN_FROM_CLI"]


def find_application(module: ModuleType | None, target: str | None) -> Flask:
    try:
        if module is not None:
            return find_best_app(module)
        return ScriptInfo(app_import_path=target or None, set_debug_flag=False).load_app()
    except NoAppException as error:
        raise NoAppException(
            f"{error.format_message()} Say where workers find the application: "
            "app.config['AUTOCRON_APP'] = \"package.module:create_app()\""
        ) from None
