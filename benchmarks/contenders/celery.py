"""Celery on Redis."""

from __future__ import annotations

import os

import celery
import redis
import work
from contender import Contender

URL = os.environ.get("BENCH_REDIS", "redis://127.0.0.1:1") + "/2"
app = celery.Celery("bench", broker=URL, backend=URL)
app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=True, worker_send_task_events=False)
noop, burn, hold = (app.task(function) for function in (work.noop, work.burn, work.hold))


class Celery(Contender):
    name = "celery"
    what = "on Redis without persistence, results kept, a pool of processes"
    module = "celery"
    backlog = 1000

    def clear(self) -> None:
        redis.Redis.from_url(URL).flushdb()

    def start(self, workers: int) -> None:
        self.spawn_python(
            *["-m", "celery", "-A", "contenders.celery", "worker", "--loglevel", "ERROR", "--concurrency", str(workers)],
            *["--without-gossip", "--without-mingle", "--without-heartbeat"],
        )

    def call(self) -> None:
        noop.delay("a@b.c", 42)

    def burn(self, seconds: float) -> None:
        burn.delay(seconds)

    def hold(self, seconds: float) -> None:
        hold.delay(seconds)

    def call_and_wait(self) -> None:
        noop.delay("a@b.c", 42).get(timeout=60)
