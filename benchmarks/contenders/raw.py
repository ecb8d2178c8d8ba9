"""The yardstick: a table as a queue, with nothing around it. ``python -m contenders.raw FOLDER BATCH`` is its worker."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import sys
import time
from pathlib import Path
from typing import ClassVar

import work
from contender import Contender

ADD = "insert into queue (task, arguments, state, run_at) values (?, ?, 'waiting', ?)"
CLAIM = """
update queue set state = 'running'
where id in (select id from queue where state = 'waiting' order by id limit ?) returning id, task, arguments
"""
FINISH = "update queue set state = 'done', result = ? where id = ?"


def connect(folder: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None, timeout=30)
    connection.executescript(
        f"""
        pragma journal_mode = wal;
        pragma synchronous = {os.environ.get("RAW_SYNCHRONOUS", "normal")};
        create table if not exists queue
            (id integer primary key, task text, arguments text, state text, run_at integer, result text);
        create index if not exists queue_waiting on queue (id) where state = 'waiting';
        """
    )
    return connection


class Raw(Contender):
    name = "raw"
    what = "SQLite, one row a transaction, synchronous=NORMAL, a datagram as wake-up"
    module = "sqlite3"
    backlog = 8000
    batch: ClassVar[int] = 1
    synchronous: ClassVar[str] = "normal"

    def connect(self) -> None:
        self._mode()
        self.connection = connect(self.folder)
        self._bells = [str(bell) for bell in self.folder.glob("bell-*")]
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def start(self, workers: int) -> None:
        self._mode()
        self._bells = [str(self.folder / f"bell-{number}") for number in range(workers)]
        for bell in self._bells:
            self.spawn_python("-m", "contenders.raw", str(self.folder), bell, str(self.batch))

    def clear(self) -> None:
        self.connection.execute("delete from queue")
        for bell in self._bells:
            os.unlink(bell)
        self._bells.clear()

    def _mode(self) -> None:
        os.environ["RAW_SYNCHRONOUS"] = self.synchronous

    def _add(self, task: str, *arguments: object) -> None:
        execute = self.connection.execute
        execute("begin immediate")
        execute(ADD, (task, json.dumps(arguments), time.time_ns() // 1000))
        execute("commit")
        self._ring()

    def _ring(self) -> None:
        for bell in self._bells:
            try:
                self._socket.sendto(b"!", bell)
            except OSError:
                pass  # it is full of rings, or the worker isn't there yet

    def call(self) -> None:
        self._add("noop", "a@b.c", 42)

    def call_many(self, jobs: int) -> bool:
        self.connection.execute("begin immediate")
        now = time.time_ns() // 1000
        self.connection.executemany(ADD, [("noop", json.dumps(("a@b.c", number)), now) for number in range(jobs)])
        self.connection.execute("commit")
        self._ring()
        return True

    def burn(self, seconds: float) -> None:
        self._add("burn", seconds)

    def hold(self, seconds: float) -> None:
        self._add("hold", seconds)

    def call_and_wait(self) -> None:
        self.call()
        ((last,),) = self.connection.execute("select max(id) from queue")
        while not self.connection.execute("select 1 from queue where id = ? and state = 'done'", (last,)).fetchall():
            time.sleep(0.0003)

    def end(self) -> None:
        self.connection.close()
        self._socket.close()


class RawBatches(Raw):
    name = "raw x100"
    what = "the same, claimed and finished by the hundred"
    batch = 100
    backlog = 20_000


class RawFull(Raw):
    name = "raw full"
    what = "the same as raw with synchronous=FULL"
    synchronous = "full"
    backlog = 1500


def main(folder: str, bell: str, batch: str) -> None:
    execute = connect(Path(folder)).execute
    ears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    Path(bell).unlink(missing_ok=True)
    ears.bind(bell)
    while True:
        claimed = execute(CLAIM, (int(batch),)).fetchall()
        if not claimed:
            ears.recv(16)
            continue
        results = [(json.dumps(getattr(work, task)(*json.loads(arguments))), job) for job, task, arguments in claimed]
        execute("begin immediate")
        for result in results:
            execute(FINISH, result)
        execute("commit")


if __name__ == "__main__":
    main(*sys.argv[1:])
