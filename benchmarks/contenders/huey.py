"""huey on SQLite, as shipped and as quick as it gets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

import huey
import work
from contender import Contender

FOLDER = Path(os.environ["BENCH_FOLDER"])


def _tasks(queue: huey.SqliteHuey) -> tuple[huey.api.TaskWrapper, ...]:
    return tuple(queue.task()(function) for function in (work.noop, work.burn, work.hold))


shipped = huey.SqliteHuey("shipped", filename=str(FOLDER / "huey.db"))
tuned = huey.SqliteHuey("tuned", filename=str(FOLDER / "huey-tuned.db"), fsync=False)
shipped_tasks, tuned_tasks = _tasks(shipped), _tasks(tuned)


class Huey(Contender):
    name = "huey"
    what = "on SQLite, as shipped: synchronous=FULL, looks every 0.1 s and less often when nothing comes"
    module = "huey"
    backlog = 1000
    queue: ClassVar[str] = "shipped"
    flags: ClassVar[tuple[str, ...]] = ()

    def connect(self) -> None:
        self._queue: huey.SqliteHuey = globals()[self.queue]
        self._noop, self._burn, self._hold = globals()[f"{self.queue}_tasks"]

    def clear(self) -> None:
        self._queue.flush()

    def start(self, workers: int) -> None:
        self.spawn_python(
            *["-m", "huey.bin.huey_consumer", f"contenders.huey.{self.queue}"],
            *["-w", str(workers), "-k", "process", "--quiet", *self.flags],
        )

    def call(self) -> None:
        self._noop("a@b.c", 42)

    def burn(self, seconds: float) -> None:
        self._burn(seconds)

    def hold(self, seconds: float) -> None:
        self._hold(seconds)

    def call_and_wait(self) -> None:
        self._noop("a@b.c", 42).get(blocking=True, backoff=1, max_delay=0.0005, timeout=60)


class HueyTuned(Huey):
    name = "huey tuned"
    what = "the same with synchronous=OFF (a power loss may damage the file) and a look every 5 ms"
    backlog = 6000
    queue = "tuned"
    flags = ("-d", "0.005", "-m", "0.005", "-b", "1")
