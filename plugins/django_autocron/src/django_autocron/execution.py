"""Each task of Django's Tasks framework is a task of autocron under the same name: how it is called, and run by a worker."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from asgiref.sync import sync_to_async

import autocron
from django_autocron import attempts
from django_autocron.framework import change
from django_autocron.results import find_task, here

_known: dict[str, tuple[Any, autocron.Task[..., Any]]] = {}
"""Each declared task's function and the task of autocron that runs it, by its path."""


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
    token = attempts.enqueued.set(result)
    try:
        if declared is None or declared.backend == task.backend:
            handle = _known[task.module_path][1].options(**options)(*result.args, **result.kwargs)
        else:
            elsewhere = run_elsewhere.options(**options)
            handle = elsewhere(_known[task.module_path][1].name, task.backend, result.args, result.kwargs)
    finally:
        attempts.enqueued.reset(token)
    ran = bool(result.id)
    change(result, id=handle.uuid)
    return ran


@autocron.delay
def run_elsewhere(path: str, backend: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """A task that has been declared for another backend than ``backend``."""
    result = attempts.begin(find_task(path, backend))
    return attempts.end(result, result.task.call(*attempts.context(result), *args, **kwargs))


def _runner(task: Any) -> Callable[..., Any]:
    """What a worker calls for this task. Its signature is the function's, without the context."""

    def run(*args: Any, **kwargs: Any) -> Any:
        result = attempts.begin(task)
        return attempts.end(result, task.func(*attempts.context(result), *args, **kwargs))

    async def run_async(*args: Any, **kwargs: Any) -> Any:
        result = await sync_to_async(attempts.begin)(task)  # receivers of signals may use the database
        value = await task.func(*attempts.context(result), *args, **kwargs)
        return await sync_to_async(attempts.end)(result, value)

    runner = functools.update_wrapper(run_async if inspect.iscoroutinefunction(task.func) else run, task.func)
    signature = inspect.signature(task.func)
    if task.takes_context:
        signature = signature.replace(parameters=list(signature.parameters.values())[1:])
    runner.__dict__["__signature__"] = signature
    return runner
