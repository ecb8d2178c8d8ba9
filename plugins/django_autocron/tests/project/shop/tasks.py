import asyncio
import os
import signal as signals_of_the_system
from unittest import mock

from django.db import connection

import autocron
from shop.framework import signals, task
from shop.models import Order, Told

# -- autocron's own tasks ----------------------------------------------------------------------------------


@autocron.delay
def look_up(pk: int) -> str:
    return Order.objects.get(pk=pk).name


@autocron.delay
def use_connection() -> dict[str, int]:
    """How many queries the log holds before its own one, and which connection it has."""
    before = len(connection.queries)
    Order.objects.count()
    return {"queries": before, "connection": id(connection.connection)}


def _break() -> None:
    """As a database server's restart does: the connection is there, and dead."""
    Order.objects.count()
    connection.connection.close()
    mock.patch.object(connection, "is_usable", return_value=False).start()  # what other databases than SQLite find out
    Order.objects.count()


@autocron.delay
def break_connection() -> None:
    _break()


@autocron.delay
async def use_connection_async() -> int:
    return await Order.objects.acount()


@autocron.delay
async def break_connection_async() -> None:
    from asgiref.sync import sync_to_async

    await sync_to_async(_break)()


# -- tasks of Django's framework ---------------------------------------------------------------------------


@task
def add(first: int, second: int = 0) -> int:
    return first + second


@task(queue_name="mail", priority=7)
def described(text: str) -> str:
    return f"described {text}"


@task(takes_context=True)
def describe(context, text: str) -> dict[str, object]:
    result = context.task_result
    return {
        "attempt": context.attempt,
        "id": result.id,
        "status": str(result.status),
        "args": result.args,
        "kwargs": result.kwargs,
        "worker_ids": result.worker_ids,
        "pid": os.getpid(),
        "text": text,
    }


@task
async def add_async(first: int, second: int) -> int:
    await asyncio.sleep(0)
    return first + second + await Order.objects.filter(name="nobody's").acount()


@task
def fail(text: str) -> None:
    raise Order.DoesNotExist(text)


@task
async def fail_async(text: str) -> None:
    raise ValueError(text)


@task(backend="patient", takes_context=True)
def third_time(context) -> int:
    if context.attempt < 3:
        raise KeyError(f"attempt {context.attempt}")
    return context.attempt


@task
def die() -> None:
    os.kill(os.getpid(), signals_of_the_system.SIGKILL)


@task
def return_what_is_no_json() -> object:
    return object()


for name in ("task_started", "task_finished"):

    def tell(sender, task_result, name=name, **kwargs) -> None:
        Told.objects.create(signal=name, result=task_result.id, status=str(task_result.status))

    getattr(signals, name).connect(tell, weak=False, dispatch_uid=name)
