"""The wake-up: a named pipe beside the database. One byte in it ends the supervisor's sleep.

A named pipe has no limit on its path's length, works between containers that share the folder, and tells a
writer at once (``EPIPE``, ``ENXIO``) that nobody reads: that is how a call notices a dead supervisor for the
price of the write that it makes anyway.
"""

from __future__ import annotations

import fcntl
import os
import select
import stat
import struct
import time

from autocron import clock

_MANY = 4096  # rings taken at once; room for more would have to be made first

_FIRST_PAUSE, _LONGEST_PAUSE = 0.0005, 0.05  # seconds between two looks at whether a ring was heard


def make_pipe(path: str | os.PathLike[str]) -> None:
    """Make the named pipe if it isn't there. Raises OSError; FileExistsError when another kind of file is."""
    try:
        os.mkfifo(path, 0o600)
    except FileExistsError:
        if not stat.S_ISFIFO(os.stat(path).st_mode):
            raise


class WakeUpReader:
    """The supervisor's end: readable whenever somebody rang since the last ``clear``."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        make_pipe(path)
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        # A writer of its own keeps the pipe from reporting end of file whenever the last client closes.
        self._own_writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    def fileno(self) -> int:
        return self._fd

    def clear(self) -> None:
        """Take everything that was rung so far. Clear first and look second, and no call is overlooked."""
        try:
            while len(os.read(self._fd, _MANY)) == _MANY:
                pass
        except BlockingIOError:
            pass

    def close(self) -> None:
        os.close(self._fd)
        os.close(self._own_writer)


class WakeUpWriter:
    """A client's end. It opens the pipe at the first ring and again after the supervisor was replaced."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = path
        self._fd = -1

    def connect(self) -> bool:
        """Open the pipe, if it isn't. False when no supervisor reads."""
        if self._fd < 0:
            try:
                self._fd = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError:  # ENXIO or ENOENT
                return False
        return True

    def ring(self) -> bool:
        """Wake the supervisor. False when no supervisor reads."""
        while self._fd >= 0 or self.connect():
            try:
                os.write(self._fd, b"!")
            except BlockingIOError:
                pass  # the pipe is full of wake-ups: it can't be overlooked
            except OSError:  # EPIPE: the reader that we knew has gone; there may be another
                self.close()
                continue
            return True
        return False

    def is_heard(self, patience_seconds: float) -> bool:
        """Ring, and see whether the supervisor takes notice within that time: it lives, and its loop goes round."""
        if not self.ring():
            return False
        deadline, pause = clock.monotonic() + patience_seconds, _FIRST_PAUSE
        pending = self._pending()
        while pending:
            if clock.monotonic() >= deadline:
                return False
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            before, pending = pending, self._pending()
            if pending < before:  # others may ring meanwhile: it need not fall to 0
                return True
        return True

    def _pending(self) -> int:
        """How many rings nobody has taken notice of yet; 0 where the system doesn't tell."""
        import termios  # only who doubts the supervisor asks

        try:
            return int(struct.unpack("i", fcntl.ioctl(self._fd, termios.FIONREAD, struct.pack("i", 0)))[0])
        except OSError:
            return 0

    def wait_for_hangup(self, stop_fd: int, seconds: float | None = None) -> None:
        """Block until no supervisor reads any more, ``stop_fd`` is readable, or for so long. To be called connected."""
        poll = select.poll()
        poll.register(stop_fd, select.POLLIN)
        poll.register(self._fd, select.POLLIN)  # never comes; POLLERR does when the last reader closes (gevent says POLLIN)
        if any(fd == self._fd for fd, _ in poll.poll(None if seconds is None else seconds * 1000)):
            self.close()

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
