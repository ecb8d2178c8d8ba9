"""The database as it is, read without autocron: a test shall not believe the code that it tests."""

from __future__ import annotations

import contextlib
import sqlite3
import uuid as uuids
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def rows(database: Path, query: str, *parameters: object) -> list[Row]:
    """The rows of a query; none while the database or its tables aren't there yet. Never writes, never checkpoints."""
    if not database.exists():
        return []
    try:
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query, parameters)]
    except sqlite3.OperationalError as error:
        if "no such table" in str(error) or "unable to open" in str(error):
            return []
        raise


def key_of(uuid: str) -> tuple[int, int]:
    """(id, nonce) of the row behind a uuid."""
    value = int(uuid.replace("-", ""), 16)
    return (value >> 80) << 12 | (value >> 64) & 0xFFF, value & (1 << 62) - 1


def job(database: Path, uuid: str) -> Row:
    """The row of a job; empty if there is none."""
    found = rows(database, "select * from jobs where id = ? and nonce = ?", *key_of(uuid))
    return found[0] if found else {}


def uuid_of(database: Path, state: str) -> str:
    """The uuid of the oldest job in this state; empty if there is none."""
    found = rows(database, "select id, nonce from jobs where state = ? order by id limit 1", state)
    if not found:
        return ""
    number, nonce = found[0]["id"], found[0]["nonce"]
    return str(uuids.UUID(int=number >> 12 << 80 | 8 << 76 | (number & 0xFFF) << 64 | 2 << 62 | nonce))
