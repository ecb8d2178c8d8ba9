"""Rows that something has damaged: that one job or schedule pays for it, and all others go on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_kinds import LATER, NOW, OTHER_OWNER, OWNER, SECOND, job, launch, schedule

from autocron.errors import StoreError
from autocron.model import DONE, ERROR, RUNNING, WAITING, Policy, Settings
from autocron.store import SqliteStore
from autocron.store.reports import Reports
from autocron.supervisor.clockwork import Clockwork

SPEC = '{"kind": "cron"}'


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a job in each state, a schedule, two applications and some settings."""
    from autocron.schedules import interval

    path = tmp_path_factory.mktemp("sound") / "jobs.db"
    store = SqliteStore(path, create=True)
    every_minute = interval(minutes=1)
    timed = [
        schedule(name, spec=every_minute.to_json(), words=every_minute.words(), anchor=NOW, next_run_at=NOW + 60 * SECOND)
        for name in ("app.tidy", "app.sweep")
    ]
    store.register(launch("one"), {"app.work": "app"}, timed, NOW)
    store.register(launch("two"), {"app.work": "app"}, [], NOW)
    store.change_settings({"workers": 2, "timezone": "UTC", "durability": "full"})
    policy = Policy(retries=1, timeout=5.0).to_json()
    store.add([job(1, policy=policy), job(1), job(1, policy=policy), job(1, policy=policy), job(1, policy=policy)], NOW)
    first, second, _ = store.claim(1, 3, OWNER, NOW)
    store.finish(first.claim, "1", 7, LATER, NOW)
    store.retry_later(second.claim, "failed", "Traceback", 7, NOW, NOW)
    store.note(second.claim, "[1, 2]", "line\n", NOW)
    store.close()
    return path


@pytest.fixture
def store(sound: Path, tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(Path(shutil.copy(sound, tmp_path)))
    yield opened
    opened.close()


def exchange(store: SqliteStore, number: int, concurrent: bool, now: int) -> int:
    """As a supervisor does it, in a transaction: what can't be read is as if it hadn't been claimed."""
    with store.transaction():
        works = store.claim(number, 3, OTHER_OWNER, now, concurrent=concurrent)
        for work in works:
            store.finish(work.claim, "2", 8, now, now)
        return len(works)


def work_everything_off(store: SqliteStore) -> None:
    """What a supervisor does, with workers that succeed."""
    now = NOW + 3600 * SECOND
    clockwork = Clockwork(store)
    store.recover(OTHER_OWNER, now, now)
    store.settings()
    numbers = [known.id for known in store.applications()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autocron.clock.now", lambda: now)
        clockwork.reload()
        clockwork.fire(numbers)
    for number in numbers:
        store.attach(number, now)
        store.adopt_jobs(number, numbers)
    store.promote(now)
    for number in numbers:
        for concurrent in (False, True):
            while exchange(store, number, concurrent, now):
                pass
    store.expire(0, 10)
    store.cancel_requests()
    store.next_run_at()
    store.next_expiry()


# -- one column of one row ---------------------------------------------------------------------------------

TEXTS = [
    "",
    "null",
    "[]",
    "{",
    "nonsense",
    "\0",
    "[" * 100_000,
    '{"retries": "three"}',
    '{"timeout": NaN, "ttl": 1e300, "backoff": []}',
    '{"executable": 5, "cwd": null, "path": [1], "main": ["a"], "setups": [{}]}',
    '{"kind": "interval", "seconds": "x"}',
    '[["x"], {"$tag": 1}]',
    "9" * 5000,
]
NUMBERS = [None, 0, -1, 2, 2**62, -(2**62), 2**63 - 1]
PLACES = {
    "jobs": "task queue arguments policy unique_key schedule context result error traceback progress nonce application priority "
    "run_at created_at attempt failures lost slot lease started_at expires_at worker concurrent readiness",
    "schedules": "task spec words arguments queue priority policy misfire grace overlap jitter anchor next_run_at last_run_at "
    "broken",
    "applications": "launch attached_at",
    "settings": "value",
    "tasks": "module",
    "attempts": "started_at finished_at worker outcome error traceback",
    "logs": "lines",
    "revision": "number",
}
places = st.sampled_from([(table, column) for table, columns in PLACES.items() for column in columns.split()])
values: st.SearchStrategy[Any] = st.sampled_from([*TEXTS, *NUMBERS, 1e308, b"\xff\xfe{"]) | st.text(max_size=20)


def damage(store: SqliteStore, table: str, column: str, value: Any, place: str = "") -> bool:
    """Overwrite a column, of one row or of all. False if SQLite itself refuses that."""
    how = "cast(:value as text)" if isinstance(value, bytes) else ":value"
    try:
        store.database.write(f"update {table} set {column} = {how} {place}", {"value": value})
    except Exception:  # not every value may be in every column
        return False
    return True


@given(where=places, value=values, row=st.integers(1, 3))
@settings(max_examples=100, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_g34_a_damaged_row_harms_no_other(
    sound: Path, tmp_path_factory: pytest.TempPathFactory, where: tuple[str, str], value: Any, row: int
) -> None:
    table, column = where
    folder = tmp_path_factory.mktemp("damaged", numbered=True)
    store = SqliteStore(Path(shutil.copy(sound, folder)))
    store.database.read("pragma synchronous = off")
    try:
        others = [
            found.uuid for found in store.jobs() if table != "jobs" or not found.uuid.startswith(f"00000000-0000-800{row}")
        ]
        place = f"where id = {row}" if table in ("jobs", "applications") else ""
        if not damage(store, table, column, value, place):
            return
        try:
            work_everything_off(store)
        except StoreError:  # a text that isn't UTF-8: a supervisor tries again
            work_everything_off(store)
        if table == "applications":  # its jobs wait for it to attach again
            return
        ends = {found.uuid: found.status for found in store.jobs()}
        assert all(ends[uuid] is DONE for uuid in others), ends
        Reports(store.database).tally(NOW)
    finally:
        store.close()
        shutil.rmtree(folder)


# -- what becomes of it ------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["", "nonsense", "[]", '{"retries": "three"}', '{"timeout": -1}', "[" * 50_000])
def test_g34_a_job_whose_policy_is_damaged_becomes_an_error_that_says_so(store: SqliteStore, policy: str) -> None:
    (damaged, sound) = store.add([job(2, policy=policy), job(2)], NOW)
    assert [work.uuid for work in store.claim(2, 5, OWNER, NOW)] == [sound]
    found = store.job(damaged)
    assert found is not None
    assert found.status is ERROR
    assert found.error.startswith("the job's row is damaged: its policy")
    assert store.next_expiry() is not None


def test_g34_a_claim_that_meets_damaged_jobs_takes_the_next_ones(store: SqliteStore) -> None:
    store.add_each(job(2, policy="nonsense"), ["[]"] * 7, NOW)
    (sound,) = store.add([job(2)], NOW)
    assert [work.uuid for work in store.claim(2, 1, OWNER, NOW)] == [sound]
    assert store.counts()[ERROR] == 7


def test_g34_a_damaged_running_job_is_recovered_and_found_out_at_its_next_claim(store: SqliteStore) -> None:
    (damaged,) = store.add([job(2)], NOW)
    assert len(store.claim(2, 1, OWNER, NOW)) == 1
    assert damage(store, "jobs", "policy", "nonsense", "where application = 2")
    store.recover(OTHER_OWNER, LATER, NOW)
    assert store.counts()[RUNNING] == 0
    assert store.claim(2, 1, OTHER_OWNER, NOW) == []
    found = store.job(damaged)
    assert found is not None
    assert found.status is ERROR


@pytest.mark.parametrize("value", ['"many"', "nonsense", "0", "[]", "-3", "1e400"])
def test_g34_a_damaged_setting_is_as_if_it_was_not_stored(
    store: SqliteStore, caplog: pytest.LogCaptureFixture, value: str
) -> None:
    assert damage(store, "settings", "value", value, "where name = 'workers'")
    assert store.settings() == Settings(timezone="UTC", durability="full")
    assert "the stored setting workers isn't used" in caplog.text
    store.change_settings({"workers": 3})
    assert store.settings().workers == 3


def test_g34_a_damaged_application_is_left_out_until_it_attaches_again(store: SqliteStore) -> None:
    assert damage(store, "applications", "launch", '{"executable": 5}', "where id = 1")
    assert [known.id for known in store.applications()] == [2]
    number = store.register(launch("one"), {"app.work": "app"}, [], NOW)
    assert [known.id for known in store.applications()] == [2, number]
    assert store.adopt_jobs(number, [1]) > 0


@pytest.mark.parametrize(
    "column, value",
    [("spec", "nonsense"), ("policy", '{"retries": []}'), ("grace", 1e308), ("jitter", -1.0), ("anchor", 2**62)],
)
def test_g34_a_damaged_schedule_rests_and_the_others_fire(store: SqliteStore, column: str, value: Any) -> None:
    assert damage(store, "schedules", column, value, "where name = 'app.tidy'")
    work_everything_off(store)
    reasons = {known.name: known.broken for known in store.schedules()}
    assert "its schedule can't be read" in reasons["app.tidy"]
    assert reasons["app.sweep"] == ""
    assert [found.schedule for found in store.jobs() if found.schedule] == ["app.sweep"]


@pytest.mark.parametrize("read", [SqliteStore.jobs, SqliteStore.schedules, lambda store: Reports(store.database).tally(NOW)])
def test_g34_bytes_that_are_no_text_are_read_as_well_as_possible(
    store: SqliteStore, read: Callable[[SqliteStore], object]
) -> None:
    assert damage(store, "jobs", "error", b"caf\xe9")
    assert damage(store, "schedules", "words", b"caf\xe9")
    read(store)
    assert {found.error for found in store.jobs()} == {"caf\\xe9"}


def test_g34_a_claim_of_bytes_that_are_no_text_is_undone_and_works_at_the_second_time(store: SqliteStore) -> None:
    (damaged,) = store.add([job(2)], NOW)
    assert damage(store, "jobs", "arguments", b"[\xff]", "where application = 2")
    with pytest.raises(StoreError, match="a text in .*jobs.db is damaged"), store.transaction():
        store.claim(2, 1, OWNER, NOW)
    assert store.counts()[WAITING] == 4
    assert [(work.uuid, work.arguments) for work in store.claim(2, 1, OWNER, NOW)] == [(damaged, "[\\xff]")]
