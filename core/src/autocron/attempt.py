"""One attempt as a pipeline of values: decode → call → outcome. Whatever goes wrong in it becomes an Outcome."""

from __future__ import annotations

import inspect
import threading
import traceback
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from autocron import codec
from autocron.model import Outcome, Policy

AroundJob = Callable[[], AbstractContextManager[object]]
"""A factory of context managers; one is entered around every attempt."""


def run(
    function: Callable[..., Any],
    arguments: str,
    policy: Policy,
    *,
    serializer: str = "json",
    around: tuple[AroundJob, ...] = (),
    await_: Callable[[Coroutine[Any, Any, Any]], Any] | None = None,
) -> Outcome:
    """Call the function with the encoded arguments. ``await_`` runs what an ``async`` function returned."""
    try:
        args, kwargs = codec.decode_call(arguments)
        with ExitStack() as stack:
            for factory in around:
                stack.enter_context(factory())
            value = function(*args, **kwargs)
            if inspect.iscoroutine(value):
                value = (await_ or run_coroutine)(value)
        return Outcome(result=codec.encode_value(value, serializer=serializer))
    except BaseException as error:
        return failure(error, policy)


def failure(error: BaseException, policy: Policy) -> Outcome:
    """The outcome of an attempt that raised."""
    return Outcome(error=one_line(error), traceback=_format(error), may_retry=policy.retries_after(type(error)))


def one_line(error: BaseException) -> str:
    """``ValueError: no such account``; the first line of a longer message."""
    try:
        text = str(error)
    except Exception:
        text = "(its message can't be shown)"
    name = type(error).__qualname__
    return f"{name}: {text.splitlines()[0]}" if text.strip() else name


def run_coroutine(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The coroutine's value; in a thread of its own when this thread runs an event loop already."""
    import asyncio  # dear, and only async tasks need it

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    outcome: list[Any] = []
    errors: list[BaseException] = []

    def run_there() -> None:
        try:
            outcome.append(asyncio.run(coroutine))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run_there, name="autocron-inline")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return outcome[0]


def _format(error: BaseException) -> str:
    """The traceback from the user's own code on: this module's frame is of no use to its reader."""
    frames = error.__traceback__.tb_next if error.__traceback__ is not None else None
    return "".join(traceback.format_exception(type(error), error, frames))
