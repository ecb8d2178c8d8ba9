"""The yardstick: the same rows in SQLite with nothing around them."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

ARGUMENTS = '[["a@b.c",42],{}]'


class RawSqlite:
    """A table as a queue: one row a transaction, WAL, synchronous=NORMAL."""

    def __init__(self, folder: Path) -> None:
        self.connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
        self.connection.executescript(
            """
            pragma journal_mode = wal;
            pragma synchronous = normal;
            create table queue (id integer primary key, task text, arguments text, state text, run_at integer, result text);
            create index queue_waiting on queue (id) where state = 'waiting';
            """
        )

    def call(self) -> None:
        execute = self.connection.execute
        execute("begin immediate")
        execute(
            "insert into queue (task, arguments, state, run_at) values (?, ?, 'waiting', ?)",
            ("benchmark.noop", ARGUMENTS, time.time_ns() // 1000),
        )
        execute("commit")

    def drain(self, jobs: int) -> float:
        """Seconds to claim and finish so many rows, one after the other."""
        execute = self.connection.execute
        with self.connection:
            self.connection.executemany(
                "insert into queue (task, arguments, state, run_at) values (?, ?, 'waiting', ?)",
                [("benchmark.noop", ARGUMENTS, 0)] * jobs,
            )
        start = time.perf_counter()
        for _ in range(jobs):
            ((job,),) = execute(
                "update queue set state = 'running' where id = "
                "(select id from queue where state = 'waiting' order by id limit 1) returning id"
            ).fetchall()
            execute("update queue set state = 'done', result = ? where id = ?", ("42", job))
        return time.perf_counter() - start

    def close(self) -> None:
        self.connection.close()
