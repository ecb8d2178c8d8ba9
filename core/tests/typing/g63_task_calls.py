"""G63: right calls of tasks have the right types, wrong ones are errors in mypy and in pyright.

Nothing runs here. `make types` checks it: both checkers report a comment that ignores an error which isn't there, so a
wrong call that passed would fail.
"""

from __future__ import annotations

from typing import assert_type

import autocron


@autocron.delay
def add(a: int, b: int = 0) -> int:
    return a + b


@autocron.delay(retries=3, timeout=60)
async def fetch(url: str) -> bytes:
    return url.encode()


@autocron.cron("30 9 0,2 * *")
def newsletter() -> None: ...


def right_calls() -> None:
    handle = add(1, b=2)
    assert_type(handle, autocron.TaskResult[int])
    assert_type(handle.result, int | None)
    assert_type(handle.wait(5), int)
    assert_type(handle.status, autocron.Status)
    assert_type(handle.is_ready, bool)
    assert_type(handle.error_message, str)
    assert_type(add.options(seconds=60, unique="one")(1, 2), autocron.TaskResult[int])
    assert_type(add.map([(1, 2), (3,)]), list[autocron.TaskResult[int]])
    assert_type(fetch("https://example.org").wait(), bytes)
    assert_type(autocron.start("project.db", workers=2), bool)
    assert_type(newsletter(), None)


async def awaiting() -> None:
    assert_type(await add(1), int)
    assert_type(await fetch("https://example.org"), bytes)


def wrong_calls() -> None:
    one = add("1", 2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    two = add()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    three = add(1, c=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    four = fetch(b"bytes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    five = add.options(secnds=60)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    six = add.options(retries="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    seven: str = add(1).wait()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    eight = autocron.start("project.db", workers="2")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    del one, two, three, four, five, six, seven, eight
