"""The application's own database, as in any Flask application: one connection for each request, and for each job."""

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from flask import Flask, current_app, g

SCHEMA = Path(__file__).with_name("schema.sql")

Product = tuple[str, str, int]
"""SKU, name, price in cents."""

NOTE_JOB = {
    "import": "update imports set import_job = ? where id = ?",
    "notice": "update imports set notice_job = ? where id = ?",
    "discard": "update imports set discard_job = ? where id = ?",
}


def init_app(app: Flask) -> None:
    with contextlib.closing(connect(app)) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.executescript(SCHEMA.read_text())
    app.teardown_appcontext(close)


def connect(app: Flask) -> sqlite3.Connection:
    connection = sqlite3.connect(app.config["SHOP_DATABASE"], timeout=20)
    connection.row_factory = sqlite3.Row
    connection.execute("pragma foreign_keys = on")
    return connection


def current() -> sqlite3.Connection:
    """The connection of this request or job."""
    if "connection" not in g:
        g.connection = connect(current_app)
    connection: sqlite3.Connection = g.connection
    return connection


def close(error: BaseException | None) -> None:
    connection = g.pop("connection", None)
    if connection is not None:
        connection.close()


# -- what is asked of it -----------------------------------------------------------------------------------


def add_import(name: str) -> int:
    with current() as connection:
        (number,) = connection.execute("insert into imports (name) values (?) returning id", (name,)).fetchone()
    return int(number)


def note_job(import_id: int, kind: Literal["import", "notice", "discard"], uuid: str) -> None:
    with current() as connection:
        connection.execute(NOTE_JOB[kind], (uuid, import_id))


def imports() -> list[sqlite3.Row]:
    return current().execute("select * from imports order by id desc limit 100").fetchall()


def one_import(import_id: int) -> sqlite3.Row | None:
    row: sqlite3.Row | None = current().execute("select * from imports where id = ?", (import_id,)).fetchone()
    return row


def replace_products(import_id: int, products: Iterable[Product]) -> None:
    """All or none, and the same if it is done twice."""
    with current() as connection:
        connection.execute("delete from products where import_id = ?", (import_id,))
        connection.executemany(
            "insert into products (import_id, sku, name, cents) values (?, ?, ?, ?)",
            ((import_id, *product) for product in products),
        )


def products_of(import_id: int, limit: int) -> list[sqlite3.Row]:
    query = "select sku, name, cents from products where import_id = ? order by sku limit ?"
    return current().execute(query, (import_id, limit)).fetchall()


def count_products(import_id: int) -> int:
    (count,) = current().execute("select count(*) from products where import_id = ?", (import_id,)).fetchone()
    return int(count)


def remove_imports_older_than(days: int) -> list[int]:
    """Their products go with them. The numbers of the imports that are gone."""
    with current() as connection:
        query = "delete from imports where uploaded_at < datetime('now', ?) returning id"
        return [row["id"] for row in connection.execute(query, (f"-{days} days",)).fetchall()]
