"""What an attempt logs and prints is kept with its job, beside going where it always went."""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
from collections.abc import Callable

from autocron.current import running_job

_format = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s").format
_logging_in = threading.local()


def install() -> None:
    """Keep the records and the prints of attempts from now on. For a worker: it is autocron's own process.

    No handler is added: with one on the root logger, ``basicConfig`` in the application's code would do nothing, a
    ``dictConfig`` would remove it, and records that nobody handles would no longer reach the terminal.
    """
    _keep_records()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            _keep_prints(stream)


def _keep_records() -> None:
    handle = logging.Logger.callHandlers
    worker = os.getpid()

    def call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
        _logging_in.handlers = True  # what these write to the terminal isn't kept a second time
        try:
            handle(self, record)
        finally:
            _logging_in.handlers = False
        job = running_job.get()
        if job is not None and os.getpid() == worker:
            try:
                text = _format(record)
            except Exception:  # arguments that don't fit the message; the handlers have said so
                return
            job.keep(f"{text}\n")

    logging.Logger.callHandlers = call_handlers  # type: ignore[method-assign]


def _keep_prints(stream: io.TextIOWrapper) -> None:
    write: Callable[[str], int] = stream.write
    worker = os.getpid()

    def write_and_keep(text: str) -> int:
        written = write(text)
        job = running_job.get()
        if job is not None and not getattr(_logging_in, "handlers", False) and os.getpid() == worker:
            job.keep(text)
        return written

    # The same object for everybody who has it already; its other methods stay what they are.
    object.__setattr__(stream, "write", write_and_keep)
