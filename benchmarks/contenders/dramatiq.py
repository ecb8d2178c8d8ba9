"""Dramatiq on Redis."""

from __future__ import annotations

import os

import dramatiq
import redis
import work
from contender import Contender
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

URL = os.environ.get("BENCH_REDIS", "redis://127.0.0.1:1") + "/3"
broker = RedisBroker(url=URL)
broker.add_middleware(Results(backend=RedisBackend(url=URL), store_results=True))
dramatiq.set_broker(broker)
noop, burn, hold = (dramatiq.actor(function) for function in (work.noop, work.burn, work.hold))


class Dramatiq(Contender):
    name = "dramatiq"
    what = "on Redis without persistence, results kept, 8 threads a process as shipped"
    module = "dramatiq"
    backlog = 2000

    def clear(self) -> None:
        redis.Redis.from_url(URL).flushdb()

    def start(self, workers: int) -> None:
        self.spawn_python("-m", "dramatiq", "contenders.dramatiq", "--processes", str(workers))

    def call(self) -> None:
        noop.send("a@b.c", 42)

    def burn(self, seconds: float) -> None:
        burn.send(seconds)

    def hold(self, seconds: float) -> None:
        hold.send(seconds)

    def call_and_wait(self) -> None:
        noop.send("a@b.c", 42).get_result(block=True, timeout=60_000)
