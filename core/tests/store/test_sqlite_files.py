"""The SQLite file: how it is made, what is refused, and what happens when somebody takes it away."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from store_kinds import EXPIRY, NOW, OWNER, claim_one, job, launch

from autocron.errors import ForeignDatabaseError, StoreError
from autocron.model import WAITING
from autocron.store import SqliteStore, migrations


@pytest.fixture
def sqlite_store(file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteStore]:
    monkeypatch.setattr("autocron.store.database.LOOK_PAUSE", 0.0)  # or a test would have to rest between two writes
    store = SqliteStore(file, create=True)
    yield store
    store.close()


def pragma(store: SqliteStore, name: str) -> object:
    ((value,),) = store.database.read(f"pragma {name}")
    return value


# -- a new file --------------------------------------------------------------------------------------------


def test_a_new_file_and_its_neighbours_are_private(sqlite_store: SqliteStore, file: Path) -> None:
    before = os.umask(0)
    try:
        sqlite_store.add([job(1)], NOW)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    assert modes == {"jobs.db": 0o600, "jobs.db-wal": 0o600, "jobs.db-shm": 0o600}


def test_a_store_is_opened_at_the_first_call_only(file: Path) -> None:
    SqliteStore(file, create=True)
    assert not file.exists()


def test_the_file_is_set_up_for_many_writers_and_one_checkpointer(sqlite_store: SqliteStore) -> None:
    assert pragma(sqlite_store, "journal_mode") == "wal"
    assert pragma(sqlite_store, "auto_vacuum") == 2
    assert pragma(sqlite_store, "wal_autocheckpoint") == 0
    assert pragma(sqlite_store, "foreign_keys") == 1
    assert pragma(sqlite_store, "application_id") == migrations.APPLICATION_ID
    assert pragma(sqlite_store, "user_version") == migrations.NEWEST


def test_durability_is_how_often_the_disk_is_waited_for(sqlite_store: SqliteStore) -> None:
    assert pragma(sqlite_store, "synchronous") == 1
    sqlite_store.set_durability("full")
    assert pragma(sqlite_store, "synchronous") == 2
    sqlite_store.close()
    assert pragma(sqlite_store, "synchronous") == 2
    sqlite_store.set_durability("normal")
    assert pragma(sqlite_store, "synchronous") == 1


def test_an_empty_file_becomes_a_database(sqlite_store: SqliteStore, file: Path) -> None:
    file.touch()
    assert len(sqlite_store.add([job(1)], NOW)) == 1


def test_a_path_may_contain_what_uris_treat_specially(tmp_path: Path) -> None:
    path = tmp_path / "50% of #jobs?mode=memory&x.db"
    store = SqliteStore(path, create=True)
    store.add([job(1)], NOW)
    store.close()
    assert path.stat().st_size > 0


def test_each_schema_file_is_a_numbered_step() -> None:
    folder = Path(migrations.__file__).parent / "schema"
    assert sorted(file.name for file in folder.iterdir()) == list(migrations.SCHEMA)
    assert [int(name[:4]) for name in migrations.SCHEMA] == list(range(1, migrations.NEWEST + 1))


# -- what is refused ---------------------------------------------------------------------------------------


def of_another_program(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("create table customers (name text)")
    connection.execute("insert into customers values ('somebody')")
    connection.commit()
    connection.close()


def marked_by_another_program(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("pragma application_id = 42")
    connection.commit()
    connection.close()


def of_a_newer_version(path: Path) -> None:
    store = SqliteStore(path, create=True)
    store.database.write(f"pragma user_version = {migrations.NEWEST + 1}")
    store.close()


def garbage(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 64)


def a_text(path: Path) -> None:
    path.write_text("These are my notes.\n")


def cut_short(path: Path) -> None:
    store = SqliteStore(path, create=True)
    store.add([job(1, arguments="x" * 5000) for _ in range(50)], NOW)
    store.close()
    with path.open("r+b") as opened:
        opened.truncate(9000)


@pytest.mark.parametrize(
    "make, words",
    [
        (of_another_program, "SQLite database of another program; it was left untouched. Give start.. another path"),
        (marked_by_another_program, "SQLite database of another program; it was left untouched"),
        (of_a_newer_version, "newer version of autocron .* left untouched. Upgrade autocron"),
        (garbage, "not an autocron database.* left untouched.* another path, or restore the file from a backup"),
        (a_text, "not an autocron database.* left untouched"),
        (cut_short, "damaged.* left untouched.* restore the file from a backup"),
    ],
)
def test_g34_a_file_that_is_not_ours_is_refused_and_left_as_it_is(file: Path, make: Callable[[Path], None], words: str) -> None:
    make(file)
    before = file.read_bytes()
    store = SqliteStore(file, create=True)
    for operation in (store.settings, store.jobs, lambda: store.add([job(1)], NOW)):
        with pytest.raises(ForeignDatabaseError, match=words) as raised:
            operation()
        assert str(file) in str(raised.value)
    store.close()
    assert file.read_bytes() == before


def test_a_missing_file_is_not_made_by_who_only_looks_in(file: Path) -> None:
    with pytest.raises(StoreError, match=r"no database .*jobs\.db; start\(\) makes it, or correct the path"):
        SqliteStore(file).settings()
    assert not file.exists()


@pytest.mark.parametrize("create", [False, True])
def test_a_missing_folder_is_named(tmp_path: Path, create: bool) -> None:
    with pytest.raises(StoreError, match="nowhere"):
        SqliteStore(tmp_path / "nowhere" / "jobs.db", create=create).settings()


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="can't be read or written"):
        SqliteStore(tmp_path, create=True).settings()


UNPRIVILEGED = """
import os, sys
from pathlib import Path
from autocron.errors import StoreError
from autocron.store import SqliteStore

if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
store = SqliteStore(Path(sys.argv[1]), create=True)
try:
    store.change_settings({"workers": 9})
except StoreError as error:
    print(error)
else:
    print("stored")
"""


@pytest.mark.parametrize("what", ["file", "folder"])
def test_g29_what_this_user_may_not_write_is_refused_with_the_remedy(what: str) -> None:
    # pytest's folders are closed to other users; root has to become another one to be refused anything.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        file = folder / "jobs.db"
        store = SqliteStore(file, create=True)
        store.settings()
        store.close()
        file.chmod(0o444 if what == "file" else 0o666)
        folder.chmod(0o777 if what == "file" else 0o555)
        before = file.read_bytes()
        said = subprocess.run(
            [sys.executable, "-c", UNPRIVILEGED, str(file)], capture_output=True, text=True, timeout=60, check=True
        ).stdout
        folder.chmod(0o700)
        assert "is not writable for this user" in said
        assert "correct the owner or mode (or how the file system is mounted), or give start() another path" in said
        assert str(file) in said
        assert file.read_bytes() == before


def test_g29_a_full_disk_raises_and_stores_nothing(sqlite_store: SqliteStore) -> None:
    kept = sqlite_store.add([job(1)], NOW)
    sqlite_store.database.read(f"pragma max_page_count = {pragma(sqlite_store, 'page_count')}")
    with pytest.raises(StoreError, match="disk of .*jobs.db is full; nothing was stored"):
        sqlite_store.add([job(1, arguments="x" * 10_000) for _ in range(50)], NOW)
    sqlite_store.database.read("pragma max_page_count = 1000000")
    assert [found.uuid for found in sqlite_store.jobs()] == kept
    assert len(sqlite_store.add([job(1)], NOW)) == 1


# -- a file that goes away while in use --------------------------------------------------------------------


def test_g29_a_deleted_file_in_use_raises_instead_of_losing_the_job(sqlite_store: SqliteStore, file: Path) -> None:
    sqlite_store.add([job(1)], NOW)
    file.unlink()
    with pytest.raises(StoreError, match="deleted or moved while in use; nothing was stored. Put the file back"):
        sqlite_store.add([job(1)], NOW)
    with pytest.raises(StoreError, match="no database"):
        sqlite_store.add([job(1)], NOW)
    with pytest.raises(StoreError, match="no database"), sqlite_store.transaction():
        pass
    assert not file.exists()


def test_g29_a_file_that_is_put_back_has_every_job(sqlite_store: SqliteStore, file: Path) -> None:
    names = sqlite_store.add([job(1), job(1)], NOW)
    aside = file.with_name("aside.db")
    file.rename(aside)
    with pytest.raises(StoreError, match="deleted or moved"):
        sqlite_store.claim(1, 5, OWNER, NOW)
    aside.rename(file)
    assert [work.uuid for work in sqlite_store.claim(1, 5, OWNER, NOW)] == names


def test_g29_a_replaced_file_is_noticed_and_used_at_the_next_call(sqlite_store: SqliteStore, file: Path) -> None:
    other = SqliteStore(file.with_name("other.db"), create=True)
    (name,) = other.add([job(1)], NOW)
    other.close()
    sqlite_store.add([job(1)], NOW)
    os.replace(file.with_name("other.db"), file)
    with pytest.raises(StoreError, match="replaced while in use; nothing was stored"):
        sqlite_store.add([job(1)], NOW)
    (new,) = sqlite_store.add([job(1)], NOW)
    assert [found.uuid for found in sqlite_store.jobs()] == [new, name]


def test_a_copied_file_is_a_whole_store(sqlite_store: SqliteStore, file: Path, tmp_path: Path) -> None:
    number = sqlite_store.register(launch(), {"app.work": "app"}, [], NOW)
    names = sqlite_store.add([job(number)], NOW)
    sqlite_store.close()
    shutil.copy(file, tmp_path / "copy.db")
    copy = SqliteStore(tmp_path / "copy.db")
    assert [claim_one(copy, number).uuid] == names
    copy.close()
    assert sqlite_store.counts()[WAITING] == 1


# -- size and speed ----------------------------------------------------------------------------------------


def finished(store: SqliteStore, number: int, size: int) -> None:
    store.database.write(
        """
        with recursive n (i) as (select 1 union all select i + 1 from n where i < :number)
        insert into jobs (nonce, task, application, queue, priority, state, readiness, run_at, arguments, policy,
                          created_at, finished_at, expires_at)
        select i, 'app.work', 1, 'default', 0, 'done', 1, 0, hex(zeroblob(:size)), '{}', 0, 0, :expiry from n
        """,
        {"number": number, "size": size // 2, "expiry": EXPIRY},
    )


def test_g31_the_file_shrinks_after_mass_expiry(sqlite_store: SqliteStore, file: Path) -> None:
    finished(sqlite_store, 3000, 1000)
    while not sqlite_store.maintain():
        pass
    full = file.stat().st_size
    assert full > 3_000_000
    while sqlite_store.expire(EXPIRY, 500):
        pass
    portions = 1
    while not sqlite_store.maintain():
        portions += 1
    assert portions < 20
    sqlite_store.close()
    assert file.stat().st_size < full / 2


def test_maintenance_beside_a_writer_puts_off_what_it_cannot_do(
    sqlite_store: SqliteStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autocron.store.database.BUSY_SECONDS", 0.1)
    finished(sqlite_store, 2000, 1000)
    sqlite_store.expire(EXPIRY, 2000)
    writer = SqliteStore(file)
    with writer.transaction():
        try:
            assert not sqlite_store.maintain()
        except StoreError as error:
            assert "locked" in str(error)
    writer.close()
    while not sqlite_store.maintain():
        pass


def test_g31_finished_jobs_do_not_slow_a_claim(sqlite_store: SqliteStore) -> None:
    def steps_of_a_claim() -> int:
        sqlite_store.add([job(1) for _ in range(20)], NOW)
        steps = 0

        def count() -> None:
            nonlocal steps
            steps += 1

        connection = sqlite_store.database._open()
        connection.set_progress_handler(count, 1)
        try:
            sqlite_store.promote(NOW)
            assert len(sqlite_store.claim(1, 10, OWNER, NOW)) == 10
        finally:
            connection.set_progress_handler(None, 0)
        return steps

    few = steps_of_a_claim()
    finished(sqlite_store, 20_000, 10)
    assert steps_of_a_claim() < 2 * few
