"""Flask-TaskX's names over autocron: code written for it runs after changing its import line.

``from flask_autocron.taskx import BackgroundTaskWorker``. Jobs are kept in autocron's own SQLite file
(``AUTOCRON_DATABASE``) on one machine; the ``TASKER_*`` settings are accepted and have nothing left to say. The command
``taskx run`` is here, too.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, ParamSpec, TypeVar

import click
from flask import Flask
from flask.cli import ScriptInfo, load_dotenv

import autocron
from flask_autocron import AutoCron

__all__ = ["BackgroundTaskWorker", "BaseTask", "BaseTaskWorker", "BlockingTaskWorker"]

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])

# APScheduler's fields in its order, the keyword of autocron.cron for each, and its value behind the last one given.
_FIELDS: dict[str, tuple[str, object]] = {
    "year": ("years", "*"),
    "month": ("months", 1),
    "day": ("dom", 1),
    "day_of_week": ("dow", "*"),
    "hour": ("hours", 0),
    "minute": ("minutes", 0),
    "second": ("seconds", 0),
}


class BaseTask:
    """A function with ``apply``; called directly, it runs here and now."""

    def __init__(self, function: Callable[..., Any], worker: BaseTaskWorker) -> None:
        self._worker = worker
        self._task: autocron.Task[..., Any] = worker.instance.delay(function)
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The plain function."""
        return self._task.call(*args, **kwargs)

    def apply(self, *args: Any, **payload: Any) -> autocron.TaskResult[Any]:
        """Send it to a worker: ``apply(**payload)``, or ``apply(payload)`` with a dictionary of keywords.

        It needs no ``start()`` here: a process that only serves may leave that to another one.
        """
        self._worker.attach()
        if len(args) == 1 and not payload and isinstance(args[0], Mapping):
            return self._task(**args[0])
        return self._task(*args, **payload)


class BaseTaskWorker:
    """``BackgroundTaskWorker(app)``, or without and ``init_app(app)`` later; ``start()`` when all is configured."""

    def __init__(self, app: Flask | None = None, *, instance: autocron.Autocron = autocron.default) -> None:
        self.app: Flask | None = None
        self.instance = instance
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Use this application's settings and context."""
        self.app = app
        app.extensions["taskx"] = self

    def start(self) -> None:
        """Start the workers, unless they run. Raises RuntimeError before ``init_app``."""
        if self.app is None:
            raise RuntimeError(f"{type(self).__name__} has no application yet: call init_app(app) before start()")
        self.attach()

    def attach(self) -> None:
        """Make this process one of the application's, once there is one."""
        if self.app is not None and "autocron" not in self.app.extensions:
            AutoCron(self.app, instance=self.instance)

    def define_task(self, function: Callable[..., Any]) -> BaseTask:
        """Give a function an ``apply`` method."""
        return BaseTask(function, self)

    def define_cron_task(
        self,
        *,
        start_date: datetime | date | str | None = None,
        end_date: datetime | date | str | None = None,
        timezone: str | None = None,
        jitter: float = 0,
        **fields: object,
    ) -> Callable[[F], F]:
        """Run the function by APScheduler's cron fields: ``month='6-8,11-12', day='3rd fri', hour='0-3'``.

        Fields behind the last one given are at their minimum, those before it unrestricted. ``week``, and ``day``
        together with ``day_of_week`` (where both would have to match), have no counterpart: TypeError.
        """
        unknown = [name for name in fields if name not in _FIELDS]
        if unknown:
            raise TypeError(f"define_cron_task() knows no field {unknown[0]!r}: fields are {', '.join(_FIELDS)}")
        if "day" in fields and "day_of_week" in fields:
            raise TypeError("define_cron_task() can't have both day and day_of_week: write day='3rd fri', or one of them")
        keywords: dict[str, Any] = {}
        last = max((list(_FIELDS).index(name) for name in fields), default=-1)
        for number, (name, (keyword, minimum)) in enumerate(_FIELDS.items()):
            value = fields.get(name, minimum if number > last else "*")
            # In autocron's own dialect a "*" of minutes beside given hours is minute 0; here it is each minute.
            keywords[keyword] = "*/1" if value == "*" and keyword in ("minutes", "seconds") else value
        return self.instance.cron(**keywords, start_date=start_date, end_date=end_date, timezone=timezone, jitter=jitter)

    def define_date_task(
        self, *, run_date: datetime | date | str, args: Sequence[Any] = (), timezone: str | None = None
    ) -> Callable[[F], F]:
        """Run the function once, at a date."""
        return self.instance.at(run_date, args=args, timezone=timezone)


class BackgroundTaskWorker(BaseTaskWorker):
    """Workers beside the application; ``start()`` returns at once."""


class BlockingTaskWorker(BaseTaskWorker):
    """``start()`` doesn't return: for a process that does nothing but keep the workers running."""

    def start(self) -> None:
        """Start the workers and wait for the end of the process."""
        super().start()
        if not autocron.in_worker():
            threading.Event().wait()


@click.group()
def main() -> None:
    """Flask-TaskX's command line."""


@main.command()
@click.pass_context
def run(context: click.Context) -> None:
    """Work the tasks of the Flask application in FLASK_APP, or in wsgi.py or app.py here, without serving it."""
    load_dotenv()
    info = context.obj = ScriptInfo(app_import_path=os.environ.get("FLASK_APP"), set_debug_flag=False)
    app = info.load_app()
    worker = app.extensions.get("taskx")
    if worker is None:
        raise click.ClickException(f"the application {app.name} has no task worker: call task_worker.init_app(app)")
    worker.start()
    threading.Event().wait()
