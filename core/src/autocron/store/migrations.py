"""From an empty file, or an older schema, to the newest: the numbered files in ``schema/``, one transaction each."""

from __future__ import annotations

import os
import sqlite3
from typing import Any

from autocron.errors import ForeignDatabaseError

APPLICATION_ID = 0x6175746F
"""Stored in the file's header: tells an autocron database from any other SQLite file ("auto" in ASCII)."""

SCHEMA = ("0001_initial.sql", "0002_context.sql", "0003_totals.sql", "0004_company.sql", "0005_run_again.sql")
"""The files in ``schema/``, each of which leads to the version of its number."""

NEWEST = len(SCHEMA)
"""The schema version that this code writes."""

_PAGE_SIZE = 2048
"""Bytes. A commit writes whole pages, two for a call; see docs/decisions/0011-call-path.md."""


def migrate(connection: sqlite3.Connection, path: str) -> None:
    """Bring the schema up to date. Raises ForeignDatabaseError for what isn't ours, without touching it."""
    version = _checked_version(connection, path)
    if version == NEWEST:
        return
    if version == 0:
        # All three are kept in the file, and the first two can only be chosen before anything else is written.
        connection.execute("pragma synchronous = off")  # of a file that has nothing in it there is nothing to lose
        connection.execute(f"pragma page_size = {_PAGE_SIZE}")
        connection.execute("pragma auto_vacuum = incremental")
        connection.execute("pragma synchronous = normal")
        connection.execute("pragma journal_mode = wal")
    connection.execute("begin immediate")
    try:
        # Another process may have been quicker while this one waited for the lock.
        for number in range(_checked_version(connection, path) + 1, NEWEST + 1):
            for statement in _statements(number):
                connection.execute(statement)
            connection.execute(f"pragma user_version = {number}")
            connection.execute(f"pragma application_id = {APPLICATION_ID}")
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


def require_newest(connection: sqlite3.Connection, path: str) -> None:
    """Raise ForeignDatabaseError unless the schema is this version's. Nothing is changed: an older one may be in use."""
    version = _checked_version(connection, path)
    if version == 0:
        raise ForeignDatabaseError(f"{path} is empty; start() makes a database of it, or give another name or path")
    if version < NEWEST:
        raise ForeignDatabaseError(
            f"{path} was made by an older version of autocron (schema {version}, this one needs {NEWEST}); it was left "
            "untouched. Start the application with this version, which upgrades it, or use the command of the older one"
        )


def _checked_version(connection: sqlite3.Connection, path: str) -> int:
    # One statement, so one snapshot: another process may be making the schema just now.
    application_id, version, tables = connection.execute(
        "select (select application_id from pragma_application_id), (select user_version from pragma_user_version), "
        "(select count(*) from sqlite_schema)"
    ).fetchone()
    if application_id != APPLICATION_ID and (application_id or version or tables):
        raise ForeignDatabaseError(
            f"{path} is a SQLite database of another program; it was left untouched. Give start() another path"
        )
    if version > NEWEST:
        raise ForeignDatabaseError(
            f"{path} was made by a newer version of autocron (schema {version}, this one knows {NEWEST}); "
            "it was left untouched. Upgrade autocron here"
        )
    return int(version)


def _statements(number: int) -> list[str]:
    # By the loader, for this package may be in an archive. importlib.resources takes three times as long as all the rest.
    loader: Any = __spec__.loader
    text = loader.get_data(os.path.join(os.path.dirname(__file__), "schema", SCHEMA[number - 1])).decode()
    statements, current = [], ""
    for line in text.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            statements.append(current)
            current = ""
    return statements
