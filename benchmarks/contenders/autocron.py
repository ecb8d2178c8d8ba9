"""Ourselves."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Literal

import work
from contender import Contender, wait_until, with_argument

import autocron
from autocron import locations
from autocron.processes.wakeup import WakeUpWriter
from autocron.store import SqliteStore
from autocron.store.interventions import Interventions


class Ours(Contender):
    name = "autocron"
    what = "as it comes: durable, results kept, one supervisor"
    module = "autocron"
    backlog = 4000
    durability: ClassVar[Literal["normal", "full"]] = "normal"

    def connect(self) -> None:
        self.database = self.folder / "autocron.db"
        self.app = autocron.Autocron()
        self._noop, self._burn, self._hold = (self.app.delay(function) for function in (work.noop, work.burn, work.hold))
        self._later = self._noop.options(hours=1)
        with output_in(self.folder / "output.txt"):
            self.app.start(self.database, durability=self.durability)
        wait_until(lambda: len(self.pids()) > 1, "the supervisor has started a worker")
        time.sleep(0.5)  # no processor is busy any more with the start of either
        self._store = SqliteStore(self.database)
        self._interventions = Interventions(self._store.database)

    def clear(self) -> None:
        """The jobs of a paused queue are stored, and nobody takes them. The database is a new one each time."""
        self._interventions.pause("default")

    def start(self, workers: int) -> None:
        self.app.start(self.database, workers=workers)
        wait_until(lambda: len(self.pids()) == workers + 1, "as many workers as wanted")
        time.sleep(0.5)  # they import the application, as the others' do before their first job
        self._interventions.resume("default")
        WakeUpWriter(locations.wakeup_path(self.database)).ring()

    def call(self) -> None:
        self._noop("a@b.c", 42)

    def call_many(self, jobs: int) -> bool:
        self._noop.map([("a@b.c", number) for number in range(jobs)])
        return True

    def call_for_later(self) -> None:
        self._later("a@b.c", 42)

    def map_for_later(self, jobs: int) -> None:
        self._later.map([("a@b.c", number) for number in range(jobs)])

    def map_and_wait(self, jobs: int) -> None:
        self._noop.map([("a@b.c", number) for number in range(jobs)])[-1].wait(300)

    def burn(self, seconds: float) -> None:
        self._burn(seconds)

    def hold(self, seconds: float) -> None:
        self._hold(seconds)

    def call_and_wait(self) -> None:
        self._noop("a@b.c", 42).wait(60)

    def stop(self) -> None:
        self._store.close()
        self.app.stop()
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGTERM)  # the supervisor needn't linger; workers leave it to the supervisor
            except ProcessLookupError:
                pass
        wait_until(lambda: not self.pids(), "the supervisor and its workers have ended")

    def pids(self) -> list[int]:
        return with_argument(str(self.database))


class OursFull(Ours):
    name = "autocron full"
    what = 'the same with durability="full"'
    backlog = 1500
    durability = "full"


@contextmanager
def output_in(file: Path) -> Iterator[None]:
    """What is started inside writes to this file: a supervisor has its starter's output."""
    file_fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    kept = [os.dup(number) for number in (1, 2)]
    try:
        for number in (1, 2):
            os.dup2(file_fd, number)
        yield
    finally:
        for number, fd in zip((1, 2), kept, strict=True):
            os.dup2(fd, number)
            os.close(fd)
        os.close(file_fd)
