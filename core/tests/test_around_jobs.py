"""What an application hangs around its jobs: context managers, context variables, the job itself, the error hook."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from autocron import (
    DONE,
    Autocron,
    ConfigurationError,
    CurrentJob,
    EncodingError,
    TaskDefinitionError,
    carried,
    current_job,
    hooks,
)
from autocron.current import LEFT_OUT, LINES_KEPT, Notes

said: list[Any] = []
request_id: ContextVar[str] = ContextVar("request_id", default="-")
language: ContextVar[Any] = ContextVar("language")


@pytest.fixture(autouse=True)
def nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test hangs its own hooks, and leaves none."""
    said.clear()
    for module, name in [
        *((hooks, name) for name in ("_around", "_around_async", "_on_error", "_on_missed")),
        (carried, "_variables"),
    ]:
        monkeypatch.setattr(module, name, {})


@pytest.fixture
def autocron() -> Autocron:
    """Under pytest calls run at once, through the same pipeline as in a worker."""
    return Autocron()


def work(value: Any = "work") -> Any:
    said.append(value)
    return value


async def work_async() -> str:
    await asyncio.sleep(0)
    said.append("work")
    return "worked"


def fail() -> None:
    said.append("work")
    raise ValueError("no such account")


async def fail_async() -> None:
    said.append("work")
    raise ValueError("no such account")


def outer() -> Iterator[None]:
    said.append("outer begins")
    try:
        yield
    finally:
        said.append("outer ends")


@contextlib.contextmanager
def inner() -> Iterator[None]:
    said.append("inner begins")
    yield
    said.append("inner ends")


async def outer_async() -> AsyncIterator[None]:
    said.append("async begins")
    await asyncio.sleep(0)
    try:
        yield
    finally:
        said.append("async ends")


# -- around a job ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [work, work_async])
def test_context_managers_are_entered_in_order_around_the_task(autocron: Autocron, function: Any) -> None:
    assert autocron.around_job(outer) is outer
    autocron.around_job(inner)
    assert autocron.delay(function)().status == DONE
    assert said == ["outer begins", "inner begins", "work", "inner ends", "outer ends"]


@pytest.mark.parametrize("function", [fail, fail_async])
def test_they_are_left_when_the_task_fails(autocron: Autocron, function: Any) -> None:
    autocron.around_job(outer)
    handle = autocron.delay(function)()
    assert said == ["outer begins", "work", "outer ends"]
    assert handle.error_message == "ValueError: no such account"


@pytest.mark.parametrize("function", [fail, fail_async])
def test_the_traceback_begins_in_the_users_code(autocron: Autocron, function: Any) -> None:
    autocron.around_job(outer)
    first, second = autocron.delay(function)().traceback.splitlines()[:2]
    assert first.startswith("Traceback")
    assert second.endswith(f"in {function.__name__}")


@pytest.mark.parametrize("function", [fail, fail_async])
def test_a_swallowed_exception_fails_the_job_all_the_same(autocron: Autocron, function: Any) -> None:
    def swallow() -> Iterator[None]:
        with contextlib.suppress(ValueError):
            yield

    autocron.around_job(swallow)
    assert autocron.delay(function)().error_message == "ValueError: no such account"


@pytest.mark.parametrize("function", [work, work_async])
def test_what_it_raises_itself_fails_the_job(autocron: Autocron, function: Any) -> None:
    def refuse() -> Iterator[None]:
        raise OSError("no database")
        yield

    autocron.around_job(refuse)
    assert autocron.delay(function)().error_message == "OSError: no database"
    assert said == []


def test_an_async_one_is_entered_around_async_tasks_only(autocron: Autocron) -> None:
    autocron.around_job(outer_async)
    autocron.around_job(contextlib.asynccontextmanager(outer_async))
    assert autocron.delay(work)().status == DONE
    assert said == ["work"]
    said.clear()
    assert autocron.delay(work_async)().status == DONE
    assert said == ["async begins", "work", "async ends"], "both have one name, as after a reload of their module"


def test_a_module_that_is_loaded_again_replaces_its_hooks(autocron: Autocron) -> None:
    for _ in range(2):
        autocron.around_job(outer)
    _ = autocron.delay(work)()
    assert said.count("outer begins") == 1


def test_what_is_no_context_manager_is_refused_with_the_remedy(autocron: Autocron) -> None:
    with pytest.raises(TaskDefinitionError, match=r"work_async is a coroutine; write a generator that yields once"):
        autocron.around_job(work_async)  # type: ignore[type-var]
    with pytest.raises(TaskDefinitionError, match="decorates a function of a module, not 5"):
        autocron.around_job(5)  # type: ignore[type-var]
    with pytest.raises(TaskDefinitionError, match="work_async is a coroutine; write it with `def`"):
        autocron.on_error(work_async)  # type: ignore[type-var]


# -- the job ---------------------------------------------------------------------------------------------------


def tell() -> tuple[str, str, int, str | None]:
    job = current_job()
    assert job is not None
    job.progress(1, 3)
    job.progress(2.5, 3)
    return job.uuid, job.task, job.attempt, job.schedule


async def tell_async() -> tuple[str, str, int, str | None]:
    return await asyncio.to_thread(tell)


@pytest.mark.parametrize("function", [tell, tell_async])
def test_a_task_knows_its_job_and_tells_its_progress(autocron: Autocron, function: Any) -> None:
    handle = autocron.delay(function)()
    assert handle.wait() == (handle.uuid, f"{__name__}.{function.__name__}", 1, None)
    assert handle.progress == (2.5, 3)
    assert current_job() is None
    assert autocron.delay(work)().progress is None


def test_a_task_called_plainly_has_no_job(autocron: Autocron) -> None:
    assert autocron.delay(current_job).call() is None


@pytest.mark.parametrize("numbers", [("1", 2), (1, None), (True, 2), (float("nan"), 1), (1, float("inf")), (10**400, 1)])
def test_progress_takes_two_numbers(numbers: Any) -> None:
    with pytest.raises(ValueError, match="both must be finite numbers, such as progress"):
        CurrentJob("uuid", "task").progress(*numbers)


def test_a_job_called_inside_a_job_has_its_own_surroundings(autocron: Autocron) -> None:
    inner_task = autocron.delay(tell)

    def call_another() -> tuple[Any, Any]:
        said.append(current_job())
        return inner_task().wait()[0], current_job() is said[0]

    call_another.__qualname__ = "call_another"
    inner_uuid, still_there = autocron.delay(call_another)().wait()
    assert still_there
    assert inner_uuid != said[0].uuid


def test_notes_keep_the_newest_lines_and_pass_each_on_once() -> None:
    changes: list[Notes] = []
    notes = Notes(changes.append)
    assert notes.take() is None
    notes.add_lines("one\n")
    notes.set_progress("[1, 2]")
    notes.add_lines("two\n")
    assert notes.take() == ("[1, 2]", "one\ntwo\n")
    assert notes.take() is None
    assert (notes.progress, len(changes)) == ("[1, 2]", 3)
    for number in range(20_000):
        notes.add_lines(f"line {number}\n")
    taken = notes.take()
    assert taken is not None
    assert taken[0] is None
    assert taken[1].startswith(LEFT_OUT)
    assert LINES_KEPT - 20 < len(taken[1].removeprefix(LEFT_OUT)) <= LINES_KEPT
    assert taken[1].endswith("line 19999\n")
    notes.add_lines("x" * 3 * LINES_KEPT + "\n")
    assert notes.take() == (None, LEFT_OUT + "x" * (LINES_KEPT - 1) + "\n")


def test_notes_wait_for_the_end_of_a_line_and_keep_an_unfinished_one() -> None:
    changes: list[Notes] = []
    notes = Notes(changes.append)
    for piece in ("half ", "a line", "\n", "rest"):
        notes.add_lines(piece)
    assert len(changes) == 1
    assert notes.take() == (None, "half a line\nrest")
    assert notes.take() is None


# -- context variables -----------------------------------------------------------------------------------------


def read_variables() -> tuple[Any, Any]:
    found = request_id.get(), language.get("unset")
    request_id.set("changed by the task")
    language.set("changed by the task")
    return found


async def read_variables_async() -> tuple[Any, Any]:
    return read_variables()


@pytest.mark.parametrize("function", [read_variables, read_variables_async])
def test_carried_variables_are_set_again_around_the_attempt(autocron: Autocron, function: Any) -> None:
    autocron.carry(request_id, language)
    task = autocron.delay(function)
    assert task().wait() == ("-", "unset")
    here = contextvars_of(lambda: (request_id.set("r1"), language.set(("de", {1})), task().wait(), request_id.get()))
    assert here[2:] == (("r1", ("de", {1})), "r1")


def contextvars_of(function: Any) -> Any:
    """In a thread, whose context begins empty."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


def test_a_variable_that_cannot_travel_is_named_at_the_call(autocron: Autocron) -> None:
    autocron.carry(language)
    token = language.set(object())
    try:
        with pytest.raises(EncodingError, match="context variable 'language', for a job of .*work"):
            _ = autocron.delay(work)()
    finally:
        language.reset(token)
    assert said == []


def test_only_context_variables_can_be_carried(autocron: Autocron) -> None:
    with pytest.raises(ConfigurationError, match="takes context variables .*, not 'request_id'"):
        autocron.carry("request_id")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="two context variables are called 'request_id'"):
        autocron.carry(request_id, ContextVar("request_id"))


# -- errors ----------------------------------------------------------------------------------------------------


def note_error(job: CurrentJob, error: BaseException) -> None:
    said.append((job.task.rpartition(".")[2], job.attempt, repr(error), error.__traceback__ is not None, current_job() is job))


def fail_in_the_hook(job: CurrentJob, error: BaseException) -> None:
    raise SystemExit("the alert can't be sent")


@pytest.mark.parametrize("function", [fail, fail_async])
def test_on_error_is_called_with_the_job_and_the_exception(autocron: Autocron, function: Any) -> None:
    assert autocron.on_error(note_error) is note_error
    _ = autocron.delay(function)()
    _ = autocron.delay(work)()
    assert said == ["work", (function.__name__, 1, "ValueError('no such account')", True, True), "work"]


def test_a_failing_hook_is_logged_and_harms_nothing(autocron: Autocron, caplog: pytest.LogCaptureFixture) -> None:
    autocron.on_error(fail_in_the_hook)
    autocron.on_error(note_error)
    assert autocron.delay(fail)().error_message == "ValueError: no such account"
    assert len(said) == 2
    assert "fail_in_the_hook failed for job" in caplog.text
    assert "the alert can't be sent" in caplog.text
