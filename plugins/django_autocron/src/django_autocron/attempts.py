"""An attempt of a task of Django's Tasks framework: its result while it runs, and the framework's signals."""

from __future__ import annotations

import contextlib
import os
import threading
import traceback
from contextvars import ContextVar
from typing import Any

from django.db import connections
from django.utils import timezone

import autocron
from django_autocron.connections import loop_runs_here
from django_autocron.framework import (
    TaskContext,
    TaskError,
    TaskResultStatus,
    change,
    normalize_json,
    task_enqueued,
    task_finished,
    task_started,
)
from django_autocron.results import read_result

enqueued: ContextVar[Any] = ContextVar("django_autocron_enqueued", default=None)
"""The result of a call that may be running inline."""

_running: ContextVar[Any] = ContextVar("django_autocron_running", default=None)
"""The result of the attempt that runs here."""


def context(result: Any) -> tuple[Any, ...]:
    """The first argument of a function that takes the context."""
    return (TaskContext(task_result=result),) if result.task.takes_context else ()


def begin(task: Any) -> Any:
    """The result of the attempt that begins here; the signal ``task_started``."""
    job = autocron.current_job()
    assert job is not None
    result, now = enqueued.get(), timezone.now()
    if result is not None and not result.id:  # inline: the call has not returned yet
        change(result, id=job.uuid)
        task_enqueued.send(type(task.get_backend()), task_result=result)
        result.worker_ids.append(str(os.getpid()))
    else:
        result = task.get_backend().get_result(job.uuid)
        result.worker_ids[-1:] = [str(os.getpid())]
    started = result.started_at or now
    change(result, status=TaskResultStatus.RUNNING, started_at=started, last_attempted_at=now)
    _running.set(result)
    task_started.send(type(task.get_backend()), task_result=result)
    return result


def end(result: Any, value: Any) -> Any:
    """What is stored of the value; the signal ``task_finished``."""
    value = normalize_json(value)
    change(result, status=TaskResultStatus.SUCCESSFUL, finished_at=timezone.now(), _return_value=value)
    _send_finished(result)
    return value


@autocron.on_error
def tell_failure(job: autocron.CurrentJob, error: BaseException) -> None:
    """The signal ``task_finished`` for a job that has failed for good, also where its worker died."""
    result = _running.get()
    if result is None or result.id != job.uuid:
        result = _ended_from_outside(job.uuid)
    if result is None:
        return
    kind = type(error)
    text = "".join(traceback.format_exception(error))
    result.errors.append(TaskError(exception_class_path=f"{kind.__module__}.{kind.__qualname__}", traceback=text))
    change(result, status=TaskResultStatus.FAILED, finished_at=timezone.now())
    if not loop_runs_here():  # not in a handler of its error: receivers log the error that is being handled
        _send_finished(result)
    else:  # receivers may use the database, which Django doesn't allow beside a loop
        thread = threading.Thread(target=_send_finished_and_close, args=(result,))
        thread.start()
        thread.join()


def _ended_from_outside(uuid: str) -> Any:
    with contextlib.suppress(autocron.JobNotFoundError):
        return read_result(autocron.TaskResult.get(uuid))


def _send_finished(result: Any) -> None:
    task_finished.send_robust(type(result.task.get_backend()), task_result=result)


def _send_finished_and_close(result: Any) -> None:
    _send_finished(result)
    connections.close_all()
