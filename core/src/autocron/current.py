"""The attempt that runs here: what its task may ask about it, and what it tells of itself."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar

LINES_KEPT = 65_000
"""Characters of log lines that wait to be passed on, the newest."""

_HUGE = 1e300  # what is beyond isn't counted but computed, and an integer may have any number of digits

LEFT_OUT = "[lines were left out here]\n"


class Notes:
    """What an attempt tells of itself, until it is passed on. ``changed`` is called after each addition."""

    __slots__ = ("_changed", "_left_out", "_lines", "_lock", "_rest", "_size", "_untold", "progress")

    def __init__(self, changed: Callable[[Notes], object] | None = None) -> None:
        self.progress: str | None = None
        self._changed = changed
        self._untold = False
        self._lines: deque[str] = deque()
        self._size = 0
        self._rest = ""
        self._left_out = False
        self._lock = threading.Lock()

    def set_progress(self, progress: str) -> None:
        """JSON: ``[done, total]``."""
        with self._lock:
            self.progress, self._untold = progress, True
        if self._changed is not None:
            self._changed(self)

    def add_lines(self, text: str) -> None:
        """A piece of text; it counts once its line is complete. The oldest lines give way when there are too many."""
        with self._lock:
            text, newline, self._rest = (self._rest + text).rpartition("\n")
            if not newline:
                return
            text += newline
            self._left_out = self._left_out or len(text) > LINES_KEPT
            self._lines.append(text[-LINES_KEPT:])
            self._size += len(self._lines[-1])
            while self._size > LINES_KEPT:
                self._size -= len(self._lines.popleft())
                self._left_out = True
        if self._changed is not None:
            self._changed(self)

    def take(self) -> tuple[str | None, str] | None:
        """The progress (None: as it was) and the lines that haven't been passed on yet; None if there is nothing."""
        with self._lock:
            if not (self._untold or self._lines or self._rest):
                return None
            progress = self.progress if self._untold else None
            lines = (LEFT_OUT if self._left_out else "") + "".join(self._lines) + self._rest
            self._untold, self._left_out, self._size, self._rest = False, False, 0, ""
            self._lines.clear()
        return progress, lines


class CurrentJob:
    """The job whose attempt is running here, as ``current_job()`` gives it to the task.

    ``uuid`` is the job's name, ``task`` the dotted name of the task, ``attempt`` counts executions from 1, ``schedule``
    is the name of the schedule that made the job, None for a call.
    """

    __slots__ = ("_notes", "attempt", "schedule", "task", "uuid")

    def __init__(
        self, uuid: str, task: str, *, attempt: int = 1, schedule: str | None = None, notes: Notes | None = None
    ) -> None:
        self.uuid: str = uuid
        self.task: str = task
        self.attempt: int = attempt
        self.schedule: str | None = schedule
        self._notes = notes or Notes()

    def progress(self, done: float, total: float) -> None:
        """Say how far the attempt is: seen as ``TaskResult.progress`` and in the command line.

        Both are numbers in whatever unit suits; call it as often as you like, it is passed on a few times a second.
        Raises ValueError for what isn't a finite number.
        """
        for number in (done, total):
            if isinstance(number, bool) or not isinstance(number, (int, float)) or not -_HUGE < number < _HUGE:
                raise ValueError(f"progress({done!r}, {total!r}): both must be finite numbers, such as progress(3, 10)")
        import json

        self._notes.set_progress(json.dumps([done, total]))

    def keep(self, text: str) -> None:
        """Add text to the attempt's log lines, which the command line shows; the newest 64 KiB are kept.

        What the attempt logs and prints is kept without it.
        """
        self._notes.add_lines(text)

    def __repr__(self) -> str:
        return f"<CurrentJob {self.uuid} {self.task}, attempt {self.attempt}>"


running_job: ContextVar[CurrentJob | None] = ContextVar("autocron_job", default=None)
"""The job of the attempt that this code belongs to, in whatever thread or event loop it runs."""


def current_job() -> CurrentJob | None:
    """The job that is running here; None outside of an attempt, also where a task's function is called plainly.

    It is found in everything that carries the context along: the task itself, what it awaits, ``asyncio.to_thread``. A
    thread of one's own has it if it is started with ``contextvars.copy_context().run``.
    """
    return running_job.get()


def notes_of(job: CurrentJob) -> Notes:
    """Where what the attempt tells of itself waits to be passed on."""
    return job._notes  # pyright: ignore[reportPrivateUsage]  (no user's business)
