"""A file that an older version made, with everything in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import older_file
import pytest
from store_kinds import EXPIRY, LATER, OTHER_OWNER, launch

from autocron.errors import StoreError
from autocron.model import CANCELLED, DONE, ERROR, RUNNING, WAITING, Settings, Status
from autocron.store import SqliteStore, migrations
from autocron.store.rows import uuid_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "jobs.db"
    older_file.make(path)
    return path


@pytest.fixture
def store(file: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(file)
    yield opened
    opened.close()


def version_of(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        return int(connection.execute("pragma user_version").fetchone()[0])


def test_g34_an_older_file_is_brought_up_to_date_with_everything_in_it(store: SqliteStore, file: Path) -> None:
    assert version_of(file) == 1
    found = store.jobs()
    assert version_of(file) == migrations.NEWEST
    assert [job.uuid for job in found] == [uuid_of(number, 1000 + number) for number in range(len(older_file.JOBS), 0, -1)]
    for job, row in zip(found, reversed(older_file.JOBS), strict=True):
        assert job.status == row["state"]
        assert (job.attempts, job.error, job.result) == (row.get("attempt", 0), row.get("error", ""), row.get("result"))
        assert job.held == (row["readiness"] == 2)
    assert store.settings() == Settings(workers=3)
    assert [known.launch for known in store.applications()] == [launch()]
    assert [(known.name, known.overlap, known.concurrent) for known in store.schedules()] == [("app.tidy", "queue", False)]
    assert [end.error for end in store.attempts(uuid_of(8, 1008))] == ["ValueError: x"]
    assert store.database.read("pragma integrity_check")[0][0] == "ok"


def test_g34_every_job_of_an_older_file_comes_to_its_end(store: SqliteStore) -> None:
    assert store.recover(OTHER_OWNER, EXPIRY, LATER) == 2
    store.attach(1, LATER)
    while store.counts()[WAITING]:
        store.promote(LATER)
        for work in store.claim(1, 10, OTHER_OWNER, LATER):
            store.finish(work.claim, "2", 7, EXPIRY, LATER)
    counts = store.counts()
    assert {status: counts[status] for status in Status} == {WAITING: 0, RUNNING: 0, DONE: 6, ERROR: 1, CANCELLED: 2}
    assert store.retry(uuid_of(8, 1008), LATER) is ERROR
    assert store.expire(EXPIRY + 1800_000_000, 100) == 8


def test_g34_several_processes_bring_an_older_file_up_to_date_at_once(file: Path) -> None:
    stores = [SqliteStore(file) for _ in range(6)]
    with ThreadPoolExecutor(len(stores)) as pool:
        assert list(pool.map(lambda store: len(store.jobs()), stores)) == [len(older_file.JOBS)] * len(stores)
    for store in stores:
        store.close()


def test_g34_an_older_file_that_cannot_be_brought_up_to_date_is_as_it_was(file: Path) -> None:
    """Here a table is in the way."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("create table logs (text)")
    store = SqliteStore(file)
    with pytest.raises(StoreError):
        store.jobs()
    store.close()
    assert version_of(file) == 1
    with closing(sqlite3.connect(file)) as connection, connection:
        assert "context" not in [row[1] for row in connection.execute("pragma table_info(jobs)")]
        connection.execute("drop table logs")
    assert len(store.jobs()) == len(older_file.JOBS)
    store.close()
