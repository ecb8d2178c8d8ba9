"""The SQLite store without a file: for tests, which keep it in their own memory and share it with nobody."""

from __future__ import annotations

import os
import sqlite3

from autocron.store.database import Database
from autocron.store.sqlite import SqliteStore

_empty: list[bytes] = []  # a database with its tables: making them anew takes longer than most tests


class MemoryStore(SqliteStore):
    """The same tables and the same statements. What is in it is gone once it is closed."""

    def __init__(self) -> None:
        self.database: Database = MemoryDatabase()


class MemoryDatabase(Database):
    """A database that only its one connection knows. A forked child has a copy of its own."""

    def __init__(self) -> None:
        super().__init__(":memory:")

    def before_fork(self) -> None:
        self.lock.acquire()

    def _for_writing(self) -> sqlite3.Connection:
        return self._open()

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, cached_statements=200)
            if _empty:
                connection.deserialize(_empty[0])
            self._prepare(connection)
            if not _empty:
                _empty.append(connection.serialize())
            self._connection, self._pid = connection, os.getpid()
        return self._connection
