"""RQ on Redis."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import redis
import rq
import work
from contender import Contender


class Rq(Contender):
    name = "rq"
    what = "RQ on Redis without persistence; a process for each job"
    module = "rq"
    backlog = 250

    def connect(self) -> None:
        self._url = os.environ["BENCH_REDIS"] + "/1"
        self._redis = redis.Redis.from_url(self._url)
        self._queue = rq.Queue(connection=self._redis)

    def clear(self) -> None:
        self._redis.flushdb()

    def start(self, workers: int) -> None:
        for _ in range(workers):
            self.spawn(str(Path(sys.executable).parent / "rq"), "worker", "--quiet", "--url", self._url)

    def call(self) -> None:
        self._queue.enqueue(work.noop, "a@b.c", 42)

    def call_many(self, jobs: int) -> bool:
        self._queue.enqueue_many([rq.Queue.prepare_data(work.noop, ("a@b.c", number)) for number in range(jobs)])
        return True

    def burn(self, seconds: float) -> None:
        self._queue.enqueue(work.burn, seconds)

    def hold(self, seconds: float) -> None:
        self._queue.enqueue(work.hold, seconds)

    def call_and_wait(self) -> None:
        job = self._queue.enqueue(work.noop, "a@b.c", 42)
        while not job.is_finished:  # each look asks Redis
            time.sleep(0.0005)
        job.return_value()
