"""The backend for Django's Tasks: ``TASKS = {"default": {"BACKEND": "django_autocron.backend.AutocronBackend"}}``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

import autocron
from django_autocron import execution
from django_autocron.framework import BaseTaskBackend, TaskResult, TaskResultDoesNotExist, TaskResultStatus, task_enqueued
from django_autocron.results import read_result


class AutocronBackend(BaseTaskBackend):
    """Jobs of autocron behind ``enqueue()`` and ``get_result()``.

    ``OPTIONS`` of the backend are options of ``autocron.delay`` for all its tasks: ``{"retries": 3, "timeout": 60}``.
    """

    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        taken = {"queue": "queue_name", "priority": "priority", "at": "run_after", "schedule": "run_after"}
        try:
            for name in taken.keys() & self.options.keys():
                raise autocron.ConfigurationError(f"a task says {name!r} itself: .using({taken[name]}=...)")
            autocron.delay(**self.options)
        except autocron.ConfigurationError as error:
            raise ImproperlyConfigured(f"settings.TASKS[{alias!r}]['OPTIONS']: {error}") from error

    def validate_task(self, task: Any) -> None:
        """What the framework asks of a task. One that is declared for this backend is made known to autocron."""
        super().validate_task(task)
        execution.make_known(task)

    def enqueue(self, task: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Store a job. Raises TypeError for arguments that don't fit the function or can't be JSON."""
        self.validate_task(task)
        result = TaskResult(
            task=task,
            id="",
            status=TaskResultStatus.READY,
            enqueued_at=timezone.now(),
            started_at=None,
            finished_at=None,
            last_attempted_at=None,
            args=list(args),
            kwargs=dict(kwargs),
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )
        options = {**self.options, "queue": task.queue_name, "priority": task.priority}
        if task.run_after is not None:
            aware = timezone.is_aware(task.run_after)
            options["at"] = task.run_after if aware else timezone.make_aware(task.run_after)
        if not execution.call(result, options):  # where calls run inline, it has been sent before the others
            task_enqueued.send(type(self), task_result=result)
        return result

    def get_result(self, result_id: str) -> Any:
        """The result as it is now, from any process. Raises TaskResultDoesNotExist, also once it has expired."""
        try:
            result = read_result(autocron.TaskResult.get(result_id))
        except autocron.JobNotFoundError as error:
            raise TaskResultDoesNotExist(str(error)) from error
        if result is None:
            raise TaskResultDoesNotExist(f"the job {result_id} wasn't enqueued by a task of django.tasks")
        return result

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        """E002: autocron itself isn't installed in the project."""
        found: list[CheckMessage] = list(super().check(**kwargs))
        if not apps.is_installed("django_autocron"):
            message = f"TASKS[{self.alias!r}] uses autocron, which isn't among the INSTALLED_APPS."
            found.append(Error(message, hint='Write INSTALLED_APPS += ["django_autocron"].', id="django_autocron.E002"))
        return found
