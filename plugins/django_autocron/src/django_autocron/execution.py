"""How a worker runs a task of Django's Tasks framework: with its context, and with the framework's signals."""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import threading
import traceback
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from asgiref.sync import sync_to_async
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
from django_autocron.results import find_task, here, read_result

_known: dict[str, tuple[Any, autocron.Task[..., Any]]] = {}
"""Each declared task's function and the task of autocron that runs it, by its path."""

_enqueued: ContextVar[Any] = ContextVar("django_autocron_enqueued", default=None)
"""The result of a call that may be running inline."""

_running: ContextVar[Any] = ContextVar("django_autocron_running", default=None)
"""The result of the attempt that runs here."""


def make_known(task: Any) -> None:
    """Make a task of autocron of the same name, unless there is one."""
    path = task.module_path
    if path not in _known or _known[path][0] is not task.func:
        known = autocron.delay(_runner(task))
        _known[path] = task.func, known
        here[known.name] = path  # another one in the main module, which workers import by its name


def call(result: Any, options: Mapping[str, Any]) -> bool:
    """Make the job of a result and give the result its id. Whether the job has run here and now."""
    task = result.task
    declared = find_task(task.module_path, None)
    token = _enqueued.set(result)
    try:
        if declared is None or declared.backend == task.backend:
            handle = _known[task.module_path][1].options(**options)(*result.args, **result.kwargs)
        else:
            elsewhere = run_elsewhere.options(**options)
            handle = elsewhere(_known[task.module_path][1].name, task.backend, result.args, result.kwargs)
    finally:
        _enqueued.reset(token)
    ran = bool(result.id)
    change(result, id=handle.uuid)
    return ran


@autocron.delay
def run_elsewhere(path: str, backend: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """A task that has been declared for another backend than ``backend``."""
    result = _begin(find_task(path, backend))
    return _end(result, result.task.call(*_context(result), *args, **kwargs))


def _runner(task: Any) -> Callable[..., Any]:
    """What a worker calls for this task. Its signature is the function's, without the context."""

    def run(*args: Any, **kwargs: Any) -> Any:
        result = _begin(task)
        return _end(result, task.func(*_context(result), *args, **kwargs))

    async def run_async(*args: Any, **kwargs: Any) -> Any:
        result = await sync_to_async(_begin)(task)  # receivers of signals may use the database
        value = await task.func(*_context(result), *args, **kwargs)
        return await sync_to_async(_end)(result, value)

    runner = functools.update_wrapper(run_async if inspect.iscoroutinefunction(task.func) else run, task.func)
    signature = inspect.signature(task.func)
    if task.takes_context:
        signature = signature.replace(parameters=list(signature.parameters.values())[1:])
    runner.__dict__["__signature__"] = signature
    return runner


def _context(result: Any) -> tuple[Any, ...]:
    return (TaskContext(task_result=result),) if result.task.takes_context else ()


def _begin(task: Any) -> Any:
    """The result of the attempt that begins here; the signal ``task_started``."""
    job = autocron.current_job()
    assert job is not None
    result, now = _enqueued.get(), timezone.now()
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


def _end(result: Any, value: Any) -> Any:
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
