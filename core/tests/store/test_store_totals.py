"""What became of jobs is counted for good, whether they are still kept or not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from store_kinds import NOW, claim_one, job, launch

from autocron.clock import MICROSECONDS
from autocron.store import SqliteStore
from autocron.store.interventions import Interventions
from autocron.store.reports import Filter, Reports, Tally

HOUR = 3600 * MICROSECONDS


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    one = SqliteStore(tmp_path / "jobs.db", create=True)
    one.register(launch(), {"tasks.work": "tasks"}, [], NOW)
    yield one
    one.close()


def tally(store: SqliteStore, since: int = 0) -> Tally:
    return Reports(store.database).tally(since)


def finish(store: SqliteStore, at: int, expires_at: int) -> None:
    store.add([job(1)], at)
    store.finish(claim_one(store, 1).claim, "null", 7, expires_at, at)


def fail(store: SqliteStore, at: int, expires_at: int) -> None:
    store.add([job(1)], at)
    store.fail(claim_one(store, 1).claim, "ValueError: no", "", 7, expires_at, at)


def test_expired_and_purged_jobs_stay_counted(store: SqliteStore) -> None:
    for _ in range(3):
        finish(store, NOW, NOW + 1)
    fail(store, NOW, NOW + HOUR)
    assert store.expire(NOW + 1, 2) == 2
    seen = tally(store)
    assert (seen.done, seen.ever_done, seen.error, seen.ever_failed) == (1, 3, 1, 1)
    assert Interventions(store.database).purge(Filter(), None) == 2
    seen = tally(store)
    assert (seen.done, seen.ever_done, seen.error, seen.ever_failed) == (0, 3, 0, 1)


def test_a_failure_stays_counted_when_its_job_runs_again(store: SqliteStore) -> None:
    for _ in range(2):
        fail(store, NOW, NOW + HOUR)
    (uuid,) = store.add([job(1)], NOW)
    store.cancel(uuid, NOW + HOUR, NOW)
    assert store.retry(uuid, NOW) == "cancelled"
    assert Interventions(store.database).retry_failed(Filter(), NOW) == (2, 0)
    seen = tally(store)
    assert (seen.ready, seen.error, seen.cancelled) == (3, 0, 0)
    assert (seen.ever_failed, seen.ever_cancelled, seen.ever_done) == (2, 1, 0)
    store.fail(claim_one(store, 1).claim, "ValueError: no", "", 7, NOW + HOUR, NOW)
    assert tally(store).ever_failed == 3


def test_the_last_hour_has_what_has_expired_meanwhile(store: SqliteStore) -> None:
    finish(store, NOW, NOW + 1)
    fail(store, NOW, NOW + 1)
    finish(store, NOW - 2 * HOUR, NOW + 1)
    finish(store, NOW, NOW + 10 * HOUR)
    assert store.expire(NOW + 1, 500) == 3
    seen = tally(store, NOW - HOUR)
    assert (seen.recently_done, seen.recently_failed) == (2, 1)
    assert (seen.ever_done, seen.ever_failed) == (3, 1)


def test_totals_take_no_more_room_as_time_goes_by(store: SqliteStore) -> None:
    for day in range(20):
        at = NOW + day * 24 * HOUR
        finish(store, at, at + 1)
        store.expire(at + 1, 500)
    assert tally(store).ever_done == 20
    ((rows,),) = store.database.read("select count(*) from totals")
    assert rows <= 2


def test_jobs_that_never_ran_are_no_ends(store: SqliteStore) -> None:
    store.add([job(1)], NOW)
    store.database.write("delete from jobs")
    assert tally(store) == Tally()
