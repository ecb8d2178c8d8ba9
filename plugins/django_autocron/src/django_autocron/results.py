"""A job of autocron as a TaskResult of Django's Tasks framework."""

from __future__ import annotations

import re
from typing import Any

from django.utils.module_loading import import_string

import autocron
from django_autocron.framework import Task, TaskError, TaskResult, TaskResultStatus, change

ELSEWHERE = "django_autocron.execution.run_elsewhere"
"""The task that runs those which have been declared for another backend than the one that they were enqueued on."""

here: dict[str, str] = {}
"""Where a task of this name is found in this process, as far as it is known."""

_STATUS: dict[autocron.Status, Any] = {
    autocron.WAITING: TaskResultStatus.READY,
    autocron.RUNNING: TaskResultStatus.RUNNING,
    autocron.DONE: TaskResultStatus.SUCCESSFUL,
    autocron.ERROR: TaskResultStatus.FAILED,
    autocron.CANCELLED: TaskResultStatus.FAILED,
}


def read_result(handle: autocron.TaskResult[Any]) -> Any:
    """The job as it is at one moment; None if it is none of a task of the framework."""
    while True:
        status = handle.status
        result = _read(handle, status)
        if handle.status is status:
            return result


def _read(handle: autocron.TaskResult[Any], status: autocron.Status) -> Any:
    path, backend, args, kwargs = _called(handle)
    task = find_task(path, backend)
    if task is None:
        return None
    ended = handle.failed_attempts
    run_after = handle.run_at if handle.run_at > handle.created_at and not ended else None
    workers = [str(attempt.worker or "unknown") for attempt in ended]
    if handle.attempts > len(ended):
        workers.append(str(handle.worker or "unknown"))
    result = TaskResult(
        task=task.using(priority=handle.priority, queue_name=handle.queue, run_after=run_after),
        id=handle.uuid,
        status=_STATUS[status],
        enqueued_at=handle.created_at,
        started_at=ended[0].started_at if ended else handle.started_at,
        finished_at=handle.finished_at,
        last_attempted_at=handle.started_at,
        args=args,
        kwargs=kwargs,
        backend=task.backend,
        errors=[
            TaskError(exception_class_path=class_path(attempt.error_message, attempt.traceback), traceback=text)
            for attempt in ended
            if (text := attempt.traceback or attempt.error_message)
        ],
        worker_ids=workers,
    )
    if status is autocron.CANCELLED:
        result.errors.append(TaskError(exception_class_path="autocron.TaskFailed", traceback="The job was cancelled."))
    if status is autocron.DONE:
        change(result, _return_value=handle.result)
    return result


def _called(handle: autocron.TaskResult[Any]) -> tuple[str, str | None, list[Any], dict[str, Any]]:
    """Path of the task, the backend that it was enqueued on if it isn't its own, and its arguments."""
    args, kwargs = handle.arguments
    if handle.task == ELSEWHERE:
        path, backend, args, kwargs = args
        return path, backend, list(args), kwargs
    return handle.task, None, list(args), kwargs


def find_task(path: str, backend: str | None) -> Any:
    """The task of the framework with this path, with another backend if one is given; None if there is none."""
    try:
        task = import_string(here.get(path, path))
    except ImportError:
        return None
    if not isinstance(task, Task):
        return None
    return task if backend is None else task.using(backend=backend)


def class_path(error: str, traceback: str) -> str:
    """Where the class of an error is found that a worker has described: ``ValueError: no`` and its traceback.

    A traceback names the module, too, unless the class is a builtin one.
    """
    found = re.findall(rf"^((?:\w+\.)*){re.escape(error)}$", traceback, re.MULTILINE)
    name = error.partition(":")[0]
    if found:
        return f"{found[-1] or 'builtins.'}{name}"
    return f"builtins.{name}" if re.fullmatch(r"\w*(Error|Exception|Interrupt|Exit)", name) else "autocron.TaskFailed"
