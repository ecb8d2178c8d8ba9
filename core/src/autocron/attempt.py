"""One attempt as a pipeline of values: decode → call → outcome. Whatever goes wrong in it becomes an Outcome."""

import contextvars
import threading
import traceback
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack
from types import CoroutineType
from typing import Any, NamedTuple

from autocron import carried, codec, hooks, tracing
from autocron.current import CurrentJob, running_job
from autocron.model import Outcome, Policy
from autocron.tasks import is_async

WITHDRAWN = "the attempt was ended by autocron: it took longer than its timeout, or its job was cancelled"
"""The message of the CancelledError by which a coroutine is ended from outside."""

LONGEST_LINE, LONGEST_TRACEBACK = 10_000, 200_000
"""Characters: what is kept of an error's message, and of a traceback (its beginning and its end)."""

AroundJob = Callable[[], AbstractContextManager[object]]
"""A factory of context managers; one is entered around every attempt."""


class Attempt(NamedTuple):
    """What shall be run, and in what surroundings.

    ``around`` are the factories of the worker's setups, outside of the application's own. ``last`` says that a failure
    of this attempt ends the job.
    """

    job: CurrentJob
    function: Callable[..., Any]
    arguments: str
    policy: Policy
    context: str = ""
    serializer: str = "json"
    around: tuple[AroundJob, ...] = ()
    last: bool = True

    def run(self, await_: Callable[[Coroutine[Any, Any, Any]], Any] | None = None) -> Outcome:
        """Run it here. ``await_`` runs coroutines; without it there is a new event loop."""
        if is_async(self.function):
            outcome: Outcome = (await_ or run_coroutine)(self.run_on_loop())
            return outcome
        # A context of its own: what this attempt sets, the next one in this thread doesn't see.
        return contextvars.copy_context().run(self._run_in_context, await_ or run_coroutine)

    async def run_on_loop(self) -> Outcome:
        """Run a coroutine function's attempt on the running loop, as a task of its own: so it has its own context, too."""
        try:
            with self._span():
                failed: BaseException | None = None
                async with AsyncExitStack() as stack:
                    for factory in self._around_factories():
                        stack.enter_context(factory())
                    for async_factory in hooks.async_around_factories():
                        await stack.enter_async_context(async_factory())
                    args, kwargs = codec.decode_call(self.arguments)
                    try:
                        value = await self.function(*args, **kwargs)
                    except BaseException as error:
                        failed = error
                        raise
                if failed is not None:
                    raise failed  # swallowed on its way, and yet the job hasn't done its work
                return Outcome(result=codec.encode_value(value, serializer=self.serializer))
        except BaseException as error:
            return self._failed(error)

    def _run_in_context(self, await_: Callable[[Coroutine[Any, Any, Any]], Any]) -> Outcome:
        try:
            with self._span():
                failed: BaseException | None = None
                with ExitStack() as stack:
                    for factory in self._around_factories():
                        stack.enter_context(factory())
                    args, kwargs = codec.decode_call(self.arguments)
                    try:
                        value = self.function(*args, **kwargs)
                        if isinstance(value, CoroutineType):
                            value = await_(value)
                    except BaseException as error:
                        failed = error
                        raise
                if failed is not None:
                    raise failed
                return Outcome(result=codec.encode_value(value, serializer=self.serializer))
        except BaseException as error:
            return self._failed(error)

    def _span(self) -> AbstractContextManager[object]:
        """The outermost of what is around the task; its job and the call's context variables are set already."""
        running_job.set(self.job)
        return tracing.attempt_span(self.job, carried.restore(self.context))

    def _around_factories(self) -> list[AroundJob]:
        return [*self.around, *hooks.around_factories(self.job.task)]

    def _failed(self, error: BaseException) -> Outcome:
        outcome = failure(error, self.policy)
        if error.args != (WITHDRAWN,) and (self.last or not outcome.may_retry):  # else the supervisor knows why
            hooks.report_error(self.job, error)
        return outcome


def failure(error: BaseException, policy: Policy) -> Outcome:
    """The outcome of an attempt that raised."""
    return Outcome(error=one_line(error), traceback=_format(error), may_retry=policy.retries_after(type(error)))


def one_line(error: BaseException) -> str:
    """``ValueError: no such account``; the first line of a longer message."""
    try:
        text = str(error).strip()
    except Exception:
        text = "(its message can't be shown)"
    name = type(error).__qualname__
    return f"{name}: {text.splitlines()[0]}"[:LONGEST_LINE] if text else name


def run_coroutine(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The coroutine's value; in a thread of its own when this thread runs an event loop already."""
    import asyncio  # dear, and only async tasks need it

    loop_runs_here = True
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        loop_runs_here = False
    if not loop_runs_here:  # not in the handler: that error would be the context of the task's own
        return asyncio.run(coroutine)
    outcome: list[Any] = []
    errors: list[BaseException] = []

    def run_there() -> None:
        try:
            outcome.append(asyncio.run(coroutine))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run_there,), name="autocron-inline")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return outcome[0]


def _format(error: BaseException) -> str:
    """The traceback from the user's own code on: the frames of this module are of no use to its reader."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    text = "".join(traceback.format_exception(type(error), error, frames))
    if len(text) <= LONGEST_TRACEBACK:
        return text
    half = LONGEST_TRACEBACK // 2
    return f"{text[:half]}\n[{len(text) - 2 * half:,} characters were left out here]\n{text[-half:]}"
