"""A folder for a Flask application, with tasks and the pages that call them."""

from __future__ import annotations

from pathlib import Path

from scene import Scene, Server

__all__ = ["Server", "Site"]

TASKS = """
import os

import autocron
from flask import current_app, g


@autocron.delay
def look_around():
    g.seen = [*g.get("seen", []), os.getpid()]
    return {
        "name": current_app.name,
        "greeting": current_app.config["GREETING"],
        "extension": type(current_app.extensions["autocron"]).__name__,
        "seen": g.seen,
    }


@autocron.delay
def stumble():
    g.seen = ["stumble"]
    raise ValueError("no such account")
"""

PAGES = """
import autocron
import tasks
from flask import Blueprint, jsonify

pages = Blueprint("pages", __name__)


@pages.get("/call/<name>")
def call(name):
    return jsonify(getattr(tasks, name)().uuid)


@pages.get("/job/<uuid>")
def job(uuid):
    handle = autocron.Result.get(uuid)
    return jsonify(status=handle.status, result=handle.result, error=handle.error_message, attempts=handle.attempts)
"""


class Site(Scene):
    """The application itself is written by the test."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.write("tasks.py", TASKS)
        self.write("pages.py", PAGES)
