"""Procrastinate on PostgreSQL."""

from __future__ import annotations

import os
import time

import procrastinate
import psycopg
import work
from contender import Contender

URL = os.environ.get("BENCH_POSTGRES", "")
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=URL))
noop, burn, hold = (app.task(name=function.__name__)(function) for function in (work.noop, work.burn, work.hold))


class Procrastinate(Contender):
    name = "procrastinate"
    what = "on PostgreSQL as initdb sets it up: every commit waits for the disk"
    module = "procrastinate"
    backlog = 500

    def connect(self) -> None:
        self._connection = psycopg.connect(URL, autocommit=True)
        app.open()
        if self._connection.execute("select to_regclass('procrastinate_jobs')").fetchone() == (None,):
            app.schema_manager.apply_schema()

    def clear(self) -> None:
        self._connection.execute("truncate procrastinate_jobs cascade")

    def start(self, workers: int) -> None:
        for _ in range(workers):
            self.spawn_python("-m", "procrastinate", "--app=contenders.procrastinate.app", "worker", "--concurrency=1")

    def _defer(self, task: str, **arguments: object) -> int:
        return app.configure_task(task).defer(**arguments)

    def call(self) -> None:
        self._defer("noop", address="a@b.c", number=42)

    def call_many(self, jobs: int) -> bool:
        app.configure_task("noop").batch_defer(*({"address": "a@b.c", "number": number} for number in range(jobs)))
        return True

    def burn(self, seconds: float) -> None:
        self._defer("burn", seconds=seconds)

    def hold(self, seconds: float) -> None:
        self._defer("hold", seconds=seconds)

    def call_and_wait(self) -> None:
        job = self._defer("noop", address="a@b.c", number=42)
        done = "select 1 from procrastinate_jobs where id = %s and status = 'succeeded'"
        while not self._connection.execute(done, (job,)).fetchall():
            time.sleep(0.0005)

    def end(self) -> None:
        app.close()
        self._connection.close()
