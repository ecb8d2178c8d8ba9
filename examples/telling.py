"""What the demo says, and how it makes sure that it is so."""

from __future__ import annotations

import datetime as dt
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Literal, NoReturn, TypeVar

T = TypeVar("T")

PATIENCE = 20.0
"""Seconds that anything may take. Nothing takes long, but the machine may be busy with other things."""


class UntrueError(Exception):
    """Something in the story isn't so."""


interrupted = threading.Event()
"""Said once more by wait_for(): an exception that a signal raises in a finalizer is lost."""


def interrupt(*_: object) -> NoReturn:
    interrupted.set()
    raise KeyboardInterrupt


def make_sure(so: bool, what: str) -> None:
    if not so:
        raise UntrueError(f"this should be true, and isn't: {what}")


def wait_for(what: str, look: Callable[[], T | Literal[False] | None]) -> T:
    """The first true value that ``look`` returns."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        if interrupted.is_set():
            raise KeyboardInterrupt
        if time.monotonic() > deadline:
            raise UntrueError(f"waited {PATIENCE:.0f} s in vain until {what}")
        time.sleep(0.005)
    return found


def first(values: list[T], fits: Callable[[T], bool]) -> T | None:
    return next((value for value in values if fits(value)), None)


steps = 0


def title(text: str) -> None:
    global steps
    steps += 1
    print(f"\n{bold(f'{steps}  {text}')}", flush=True)


def line(label: str, text: str) -> None:
    print(f"   {label:<10} {text}", flush=True)


def bold(text: str) -> str:
    return f"\033[1m{text}\033[0m" if sys.stdout.isatty() and "NO_COLOR" not in os.environ else text


def and_(values: list[Any]) -> str:
    return " and ".join(map(str, values)) or "nobody"


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def clock(text: str) -> str:
    """The time of day here, with milliseconds."""
    return moment(text).astimezone().strftime("%H:%M:%S.%f")[:-3]


def milliseconds(duration: dt.timedelta) -> int:
    return round(duration.total_seconds() * 1000)


def took(job: dict[str, Any]) -> int:
    return milliseconds(moment(job["finished_at"]) - moment(job["started_at"]))
