"""Lines that are in the file once written, whatever happens to the process: ``moment word word …``."""

from __future__ import annotations

import os
import time
from pathlib import Path

FOLDER = Path(os.environ["TORTURE_NOTES"])


class Notebook:
    """A file that is only ever appended to, by one process or by many."""

    def __init__(self, name: str) -> None:
        self._fd = os.open(FOLDER / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def note(self, *words: str) -> None:
        """One line, one write: a killed process leaves all of it or nothing."""
        os.write(self._fd, f"{time.monotonic_ns()} {' '.join(words)}\n".encode())

    def sync(self) -> None:
        os.fsync(self._fd)
