"""Tasks of Django's framework for tests without workers."""

import threading

from project.shop.framework import task


@task
def add(first: int, second: int = 0) -> int:
    return first + second


@task
def fail(text: str) -> None:
    raise ValueError(text)


@task(takes_context=True)
async def where(context) -> list[object]:
    return [context.attempt, context.task_result.id, threading.current_thread() is threading.main_thread()]


@task(backend="elsewhere")
def of_another_backend(text: str) -> str:
    return text
