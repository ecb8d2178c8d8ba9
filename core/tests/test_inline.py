"""Where autocron is inactive: calls run at once in the caller, through the codec, and nothing is spawned or stored."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from autocron import DONE, ERROR, Autocron, EncodingError, JobNotFoundError, TaskFailed

calls: list[Any] = []


def note(value: Any) -> Any:
    calls.append(value)
    return value


def fail(text: str) -> None:
    raise ValueError(text)


def leave() -> None:
    raise SystemExit(3)


async def doubled(value: int) -> int:
    await asyncio.sleep(0)
    return 2 * value


async def fail_later() -> None:
    await asyncio.sleep(0)
    raise ValueError("later")


@pytest.fixture(params=["AUTOCRON_DISABLE=1", "under pytest"])
def instance(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Autocron:
    if request.param == "AUTOCRON_DISABLE=1":
        monkeypatch.setenv("AUTOCRON_DISABLE", "1")
    calls.clear()
    return Autocron()


def test_start_makes_nothing(instance: Autocron, tmp_path: Path) -> None:
    assert instance.start(tmp_path / "jobs.db", workers=2) is False
    assert instance.start(tmp_path / "jobs.db") is False
    assert instance.delay(note)(1).is_ready
    instance.stop()
    assert list(tmp_path.iterdir()) == []


def test_start_still_checks_what_it_is_given(instance: Autocron, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="workers=0"):
        instance.start(tmp_path / "jobs.db", workers=0)
    with pytest.raises(ValueError, match="does not exist"):
        instance.start(tmp_path / "missing" / "jobs.db")


def test_a_call_runs_at_once_and_its_handle_is_finished(instance: Autocron) -> None:
    handle = instance.delay(seconds=3600)(note)((1, "a"))
    assert calls == [(1, "a")]
    assert (handle.status, handle.is_ready, handle.result, handle.wait(0)) == (DONE, True, (1, "a"), (1, "a"))
    assert (handle.attempts, handle.error_message, handle.cancel()) == (1, "", False)
    assert instance.get_results() == []


def test_arguments_are_copies_as_they_would_be_in_a_worker(instance: Autocron) -> None:
    given = [1]
    handle = instance.delay(note)(given)
    calls[0].append(2)
    assert given == [1]
    assert handle.result == [1]


def test_g33_what_cannot_be_stored_is_refused_here_too(instance: Autocron) -> None:
    with pytest.raises(EncodingError):
        _ = instance.delay(note)(object())
    assert calls == []


@pytest.mark.parametrize("function, error", [(fail, "ValueError: no"), (leave, "SystemExit: 3")])
def test_an_exception_is_the_results_error(instance: Autocron, function: Any, error: str) -> None:
    handle = instance.delay(retries=5)(function)(*(["no"] if function is fail else []))
    assert (handle.status, handle.has_error, handle.error_message, handle.attempts) == (ERROR, True, error, 1)
    assert function.__name__ in handle.traceback
    with pytest.raises(TaskFailed, match=error):
        handle.wait(0)
    with pytest.raises(JobNotFoundError, match="ran in the caller .*call the task again"):
        handle.retry()


@pytest.mark.parametrize("text", ["no\nfor many reasons", "\n  no\n", "no"])
def test_the_error_message_is_the_first_line_that_says_something(instance: Autocron, text: str) -> None:
    assert instance.delay(fail)(text).error_message == "ValueError: no"
    assert instance.delay(fail)(" \n").error_message == "ValueError"


def test_map_runs_all(instance: Autocron) -> None:
    assert [handle.result for handle in instance.delay(note).map([(1,), (2,)])] == [1, 2]


def test_g62_async_tasks_run_inline(instance: Autocron) -> None:
    assert instance.delay(doubled)(4).result == 8
    assert instance.delay(fail_later)().error_message == "ValueError: later"


def test_g62_async_tasks_run_inline_inside_a_running_loop(instance: Autocron) -> None:
    async def caller() -> tuple[Any, Any, str]:
        return await instance.delay(doubled)(4), instance.delay(doubled)(5).result, instance.delay(fail_later)().error_message

    assert asyncio.run(caller()) == (8, 10, "ValueError: later")


def test_scheduled_functions_stay_what_they_are(instance: Autocron, tmp_path: Path) -> None:
    instance.start(tmp_path / "jobs.db")

    def decorated() -> int:
        return os.getpid()

    decorated.__qualname__ = "decorated"
    assert instance.periodic(seconds=1)(decorated)() == os.getpid()
