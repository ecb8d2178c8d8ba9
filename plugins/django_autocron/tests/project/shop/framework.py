"""Django's Tasks framework: Django's own, or the package before it."""

from importlib import import_module

import django

_package = "django.tasks" if django.VERSION >= (6, 0) else "django_tasks"
_tasks, signals = import_module(_package), import_module(f"{_package}.signals")
TaskResultStatus, task = _tasks.TaskResultStatus, _tasks.task
