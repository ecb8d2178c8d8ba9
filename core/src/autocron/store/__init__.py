"""Where jobs live: SQLite's implementation of the ``Store`` protocol, which only those who check types load."""

from autocron.store.sqlite import SqliteStore

__all__ = ["SqliteStore"]
