"""Django's Tasks framework: ``django.tasks`` (Django 6.0), or the package ``django-tasks`` where Django has none yet."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured


def _module(name: str) -> Any:
    for package in ("django.tasks", "django_tasks"):
        try:
            return import_module(f"{package}{name}")
        except ModuleNotFoundError as error:
            if error.name != package:
                raise
    raise ImproperlyConfigured("this Django has no django.tasks: install the package django-tasks, or Django 6.0 or newer")


_base = _module(".base")
_signals = _module(".signals")

if TYPE_CHECKING:
    from django.tasks.backends.base import BaseTaskBackend as BaseTaskBackend
else:
    BaseTaskBackend = _module(".backends.base").BaseTaskBackend
Task: Any = _base.Task
TaskContext: Any = _base.TaskContext
TaskError: Any = _base.TaskError
TaskResult: Any = _base.TaskResult
TaskResultStatus: Any = _base.TaskResultStatus
TaskResultDoesNotExist: Any = _module(".exceptions").TaskResultDoesNotExist
normalize_json: Any = _base.normalize_json
task_enqueued: Any = _signals.task_enqueued
task_started: Any = _signals.task_started
task_finished: Any = _signals.task_finished


def change(result: Any, **values: object) -> None:
    """Set fields of a frozen TaskResult, as the framework's own backends do."""
    for name, value in values.items():
        object.__setattr__(result, name, value)
