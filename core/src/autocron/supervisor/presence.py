"""Who is attached, and since when nobody is: the reason for which a supervisor lives."""

from __future__ import annotations

import selectors
from collections.abc import Mapping

from autocron import clock
from autocron.model import Application
from autocron.processes.locks import LockFile
from autocron.processes.watch import ProcessWatch

LINGER = 4.5
"""Seconds to wait for another process to attach after the last one has gone: a reload, a restart."""

BLIND_SLEEP = 1.0
"""Seconds between two looks at the attached processes where the kernel can't tell of their end."""


class Presence:
    """The attached applications, read off the kernel's locks.

    ``keep_alive``: the supervisor lives without any, and then works for the application that attached last.
    """

    def __init__(self, locks: LockFile, selector: selectors.BaseSelector, *, keep_alive: bool) -> None:
        self.attached: list[int] = []
        """Their ids; the one that attached last comes first."""
        self._locks = locks
        self._selector = selector
        self._keep_alive = keep_alive
        self._alone_since: float | None = None
        self._watch = ProcessWatch()

    @property
    def is_alone(self) -> bool:
        """Nobody is attached, and it hasn't been told to live without."""
        return self._alone_since is not None

    def is_over(self) -> bool:
        """Whether it has been alone for longer than a reload takes."""
        return self._alone_since is not None and clock.monotonic() - self._alone_since >= LINGER

    def concerns(self, readable: list[object]) -> bool:
        """Whether the watched process has ended, or may have."""
        return self._watch in readable or self._watch.fileno() < 0

    def look(self, applications: Mapping[int, Application]) -> bool:
        """Ask the kernel. Whether other applications are attached than before."""
        newest_first = sorted(applications, key=lambda number: -applications[number].attached_at)
        before, self.attached = self.attached, [n for n in newest_first if self._locks.an_attached_pid(n) is not None]
        pid = self._locks.an_attached_pid()
        if pid is None or pid != self._watch.pid:
            self._follow(pid)
        if self._keep_alive:
            self.attached = self.attached or newest_first[:1]
        elif pid is not None:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = clock.monotonic()
        return self.attached != before

    def next_deadline(self) -> float | None:
        """The monotonic moment at which to look again, whatever happens."""
        if self._alone_since is not None:
            return self._alone_since + LINGER
        if self._watch.fileno() < 0 and not self._keep_alive:
            return clock.monotonic() + BLIND_SLEEP
        return None

    def _follow(self, pid: int | None) -> None:
        """Be woken when this attached process ends."""
        if self._watch.fileno() >= 0:
            self._selector.unregister(self._watch)
        if pid and self._watch.follow(pid, lambda: pid in self._locks.attached_pids()):
            self._selector.register(self._watch, selectors.EVENT_READ, self._watch)
        else:
            self._watch.close()
