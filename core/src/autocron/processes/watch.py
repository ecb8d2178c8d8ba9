"""Watching processes that aren't children, without polling where the kernel offers it."""

from __future__ import annotations

import os
from collections.abc import Callable


class ProcessWatch:
    """Becomes readable when another process has ended (Linux: a pidfd). ``fileno`` is -1 where that can't be had."""

    def __init__(self) -> None:
        self.pid: int = 0
        self._fd = -1

    def follow(self, pid: int, still_there: Callable[[], bool]) -> bool:
        """Watch this process instead of the former. ``still_there`` is asked once more afterwards: the number
        may have been given to another process in between. False when it can't be watched."""
        self.close()
        if pid <= 0 or not hasattr(os, "pidfd_open"):
            return False
        try:
            self._fd = os.pidfd_open(pid)
        except OSError:
            return False
        if not still_there():
            self.close()
            return False
        self.pid = pid
        return True

    def fileno(self) -> int:
        return self._fd

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self.pid = -1, 0
