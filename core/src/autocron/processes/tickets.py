"""Tickets: numbers in a queue of the kernel's. Each is drawn once: by the worker, which begins that job, or by the
supervisor, which takes it back.

A job can be sent to a worker before it is its turn, and yet nobody has to ask the worker for it: whoever draws the
ticket first has the job, even if the worker hangs in C code, is stopped, or has died. What wasn't drawn wasn't begun.

Nobody waits in a read. A thread that did would have drawn in the kernel, and then perhaps not come back to Python for an
hour, because C code in another thread keeps the interpreter.
"""

from __future__ import annotations

import os
import select
import struct
from collections.abc import Iterable

KNOCK = 0
"""No job's ticket: whoever draws it says that it is there."""

_SIZE = 8
_MANY = 512


class Tickets:
    """The supervisor's side: hands out, and takes back."""

    def __init__(self) -> None:
        import socket  # a worker without coroutines never needs it

        self._writer, self._reader = socket.socketpair()
        self._reader.setblocking(False)  # for the worker, too: it is the same open file
        self._at_once = socket.MSG_DONTWAIT
        self._unsent = b""

    @property
    def worker_fd(self) -> int:
        """What the worker inherits. It is kept open here, too."""
        return self._reader.fileno()

    def hand_out(self, numbers: Iterable[int] = ()) -> None:
        """Queue these numbers, after those for which there was no room before."""
        self._unsent += b"".join(struct.pack("!q", number) for number in numbers)
        try:
            while self._unsent:
                sent = self._writer.send(self._unsent[: _SIZE * _MANY], self._at_once)
                self._unsent = self._unsent[sent:]
        except BlockingIOError:
            pass
        except OSError:  # no worker draws any more, and none will
            self._unsent = b""

    def take_back(self) -> list[int]:
        """Draw all that the worker hasn't drawn."""
        data = b""
        try:
            while chunk := self._reader.recv(_SIZE * _MANY, self._at_once):
                data += chunk
        except BlockingIOError:
            pass
        data, self._unsent = data + self._unsent, b""
        return _numbers(data)

    def close_writing(self) -> None:
        """No ticket follows: who waits for one is told."""
        self._writer.close()

    def close(self) -> None:
        self._writer.close()
        self._reader.close()


def draw(fd: int) -> int | None:
    """Wait for a ticket. None when no ticket follows."""
    while True:
        try:
            return draw_at_once(fd)
        except BlockingIOError:
            waiting = select.poll()
            waiting.register(fd, select.POLLIN)
            waiting.poll()


def draw_at_once(fd: int) -> int | None:
    """A ticket, or BlockingIOError if there is none. None when no ticket follows."""
    data = os.read(fd, _SIZE)
    return _numbers(data)[0] if data else None


def _numbers(data: bytes) -> list[int]:
    return [number for (number,) in struct.iter_unpack("!q", data)]
