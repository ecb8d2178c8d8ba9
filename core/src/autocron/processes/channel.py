"""Messages between a supervisor and its workers: a length, then a pickled tuple, over a pipe.

Both ends are this package in the same version, run by the same user, so pickle is safe and quickest. What users
passed to a task travels inside as the text that the codec made.
"""

from __future__ import annotations

import os
import pickle
import struct
from typing import Any

_LENGTH = struct.Struct("!I")
_PIPE = 1 << 16  # bytes that a pipe holds: more never come at once

Message = tuple[Any, ...]


def _frame(message: Message) -> bytes:
    data = pickle.dumps(message, protocol=5)
    return _LENGTH.pack(len(data)) + data


class BlockingChannel:
    """The worker's side: reads and writes block."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._reader = os.fdopen(read_fd, "rb")
        self._write_fd = write_fd

    def receive(self) -> Message | None:
        """The next message, or None at the end of the pipe."""
        head = self._reader.read(_LENGTH.size)
        if len(head) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack(head)
        data = self._reader.read(length)
        if len(data) < length:
            return None
        message: Message = pickle.loads(data)
        return message

    def close(self) -> None:
        self._reader.close()
        os.close(self._write_fd)

    def send(self, message: Message) -> None:
        view = memoryview(_frame(message))
        while view:
            view = view[os.write(self._write_fd, view) :]


class Channel:
    """The supervisor's side: never blocks. What the pipe doesn't take now waits in ``pending`` for ``flush``."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        os.set_blocking(read_fd, False)
        os.set_blocking(write_fd, False)
        self.read_fd = read_fd
        self.write_fd: int = write_fd
        self._incoming = bytearray()
        self._pending = bytearray()
        self.at_end: bool = False

    @property
    def pending(self) -> bool:
        """Whether something waits to be written."""
        return bool(self._pending)

    def send(self, message: Message) -> None:
        self._pending += _frame(message)
        self.flush()

    def flush(self) -> None:
        try:
            while self._pending:
                del self._pending[: os.write(self.write_fd, self._pending)]
        except BlockingIOError:
            pass
        except OSError:  # the worker has died; its exit is noticed where exits are noticed
            self._pending.clear()

    def receive(self) -> list[Message]:
        """Every message that has arrived."""
        try:
            while chunk := os.read(self.read_fd, _PIPE):
                self._incoming += chunk
                if len(chunk) < _PIPE:
                    break
            else:
                self.at_end = True
        except BlockingIOError:
            pass
        messages: list[Message] = []
        start, size = 0, len(self._incoming)
        while size - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._incoming, start)
            end = start + _LENGTH.size + length
            if end > size:
                break
            messages.append(pickle.loads(memoryview(self._incoming)[start + _LENGTH.size : end]))
            start = end
        del self._incoming[:start]
        return messages

    def close_writing(self) -> None:
        """Tell the worker that no job follows: it ends after what it is doing."""
        if self.write_fd >= 0:
            os.close(self.write_fd)
            self.write_fd = -1

    def close(self) -> None:
        self.close_writing()
        os.close(self.read_fd)
