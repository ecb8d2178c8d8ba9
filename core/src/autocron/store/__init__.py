"""Where jobs live: the ``Store`` protocol, and SQLite's implementation of it."""

from autocron.store.protocol import Store
from autocron.store.sqlite import SqliteStore

__all__ = ["SqliteStore", "Store"]
