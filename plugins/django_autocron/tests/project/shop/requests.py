"""What the tests ask of the running site."""

import datetime as dt

from django.db import transaction
from django.utils import timezone

import autocron
import django_autocron
from shop import tasks
from shop.framework import TaskResultStatus
from shop.models import Order, Told


class UndoneError(Exception):
    pass


def call(name: str, *args: object) -> str:
    return getattr(tasks, name)(*args).uuid


def job(uuid: str) -> dict[str, object]:
    handle = autocron.TaskResult.get(uuid)
    return {"status": handle.status, "result": handle.result, "error": handle.error_message, "task": handle.task}


def jobs() -> list[str]:
    return [handle.task for handle in autocron.get_results()]


def results(task: str) -> list[str]:
    return [handle.uuid for handle in autocron.get_results() if handle.task == task]


def order(name: str, undo: bool) -> list[int]:
    """A row, and a job that reads it: how many jobs that has made inside of the transaction, and after it."""
    before, during = len(results("shop.tasks.look_up")), -1
    try:
        with transaction.atomic():
            row = Order.objects.create(name=name)
            django_autocron.on_commit(tasks.look_up)(row.pk)
            during = len(results("shop.tasks.look_up"))
            if undo:
                raise UndoneError
    except UndoneError:
        pass
    return [during - before, len(results("shop.tasks.look_up")) - before]


def enqueue(name: str, args: list[object], using: dict[str, object] | None = None, in_seconds: float = 0) -> dict[str, object]:
    task = getattr(tasks, name).using(**(using or {}))
    if in_seconds:
        task = task.using(run_after=timezone.now() + dt.timedelta(seconds=in_seconds))
    return told(task.enqueue(*args))


def refused(name: str, args: list[object]) -> str:
    try:
        getattr(tasks, name).enqueue(*args)
    except TypeError as error:
        return str(error)
    return ""


def result(name: str, uuid: str) -> dict[str, object]:
    return told(getattr(tasks, name).get_result(uuid))


def told(result) -> dict[str, object]:
    return {
        "id": result.id,
        "status": str(result.status),
        "value": result.return_value if result.status == TaskResultStatus.SUCCESSFUL else None,
        "attempts": result.attempts,
        "errors": [[error.exception_class_path, error.traceback] for error in result.errors],
        "moments": [
            None if moment is None else moment.isoformat()
            for moment in (result.enqueued_at, result.started_at, result.last_attempted_at, result.finished_at)
        ],
        "run_after": None if result.task.run_after is None else result.task.run_after.isoformat(),
        "args": result.args,
        "kwargs": result.kwargs,
        "queue": result.task.queue_name,
        "priority": result.task.priority,
        "backend": result.backend,
        "worker_ids": result.worker_ids,
    }


def signals(uuid: str) -> list[list[str]]:
    return [[told.signal, told.status] for told in Told.objects.filter(result=uuid).order_by("pk")]


def missing(name: str, uuid: str) -> str:
    try:
        getattr(tasks, name).get_result(uuid)
    except Exception as error:
        return type(error).__name__
    return ""
