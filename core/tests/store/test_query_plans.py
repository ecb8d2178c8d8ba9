"""What is asked again and again never walks through all jobs: neither finished ones nor those that wait cost it anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_kinds import EXPIRY, LATER, NOW, OWNER, SECOND, job, launch, schedule

from autocron.model import Finished
from autocron.store import SqliteStore
from autocron.store.reports import Reports


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "jobs.db", create=True)
    opened.register(launch(), {"app.work": "app"}, [schedule()], NOW)
    yield opened
    opened.close()


def everything_that_is_asked_often(store: SqliteStore) -> None:
    """A call, and what a supervisor does in a turn of its loop."""
    names = store.add([job(1) for _ in range(9)], NOW)
    store.add([job(1, unique_key="k")], NOW)
    store.add([job(1, unique_key="k")], NOW)
    store.add_each(job(1), ["[]"] * 3, NOW)
    for name in names:
        store.job(name)
    store.promote(NOW)
    works = store.claim(1, 6, OWNER, NOW)
    store.claim(1, 6, OWNER, NOW, concurrent=True)
    store.note(works[0].claim, "[1, 2]", "line\n", NOW)
    store.finish(works[0].claim, "1", 7, EXPIRY, NOW)
    store.finish_each([Finished(works[0].claim, "1", 7, EXPIRY)] * 2, NOW)
    store.fail(works[1].claim, "failed", "", 7, EXPIRY, NOW)
    store.retry_later(works[2].claim, "failed", "", 7, LATER, NOW)
    store.release(works[3].claim, NOW)
    store.suspect(works[4].claim, "died", 7, 1, NOW)
    store.suspects()
    (suspect,) = store.claim(1, 6, OWNER, NOW, company=1)
    store.release(suspect.claim, NOW)
    (suspect,) = store.claim(1, 6, OWNER, NOW, company=1)
    store.hold(suspect.claim, "unknown", NOW)
    store.cancel(works[5].uuid, EXPIRY, NOW)
    store.cancel(names[6], EXPIRY, NOW)
    store.cancelled(works[5].claim, 7, EXPIRY, NOW)
    store.retry(names[1], NOW)
    store.recover(OWNER, EXPIRY, NOW)
    store.news()
    store.has_ready(1)
    store.cancel_requests()
    store.next_run_at()
    store.next_expiry()
    store.with_waiting_jobs([1, 2])
    store.adopt_jobs(1, [2])
    store.attach(1, NOW)
    store.has_unfinished("app.tidy")
    (timed,) = store.schedules()
    store.fire(timed, [(NOW + 60 * SECOND, NOW)], LATER, NOW)
    store.expire(EXPIRY, 1)
    Reports(store.database).tally(NOW)


def test_g31_nothing_that_is_asked_often_walks_through_all_jobs(store: SqliteStore) -> None:
    store.revision()
    connection = store.database._open()
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    everything_that_is_asked_often(store)
    connection.set_trace_callback(None)
    statements = {
        statement for statement in asked if re.match(r"\s*(select|insert|update|delete)", statement) and "jobs" in statement
    }
    assert len(statements) > 40
    walks: list[str] = []
    for statement in statements:
        plan = [row["detail"] for row in store.database.read("explain query plan " + statement)]
        # A walk through a partial index is one through the jobs of a state: those that run, those behind another.
        walks += [f"{step}: {statement}" for step in plan if re.match(r"SCAN (jobs|ahead)\b(?!.*INDEX)", step)]
    assert not walks, "\n".join(walks)


def test_a_job_that_ends_well_runs_no_trigger(store: SqliteStore) -> None:
    """Nearly all do, and a trigger that has nothing to do for them would make their end twice as dear."""
    store.add([job(1)], NOW)
    (work,) = store.claim(1, 1, OWNER, NOW)
    connection = store.database._open()
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    store.finish(work.claim, "1", 7, EXPIRY, NOW)
    connection.set_trace_callback(None)
    (statement,) = [statement for statement in asked if statement.lstrip().startswith("update jobs")]
    steps = [row["opcode"] for row in store.database.read("explain " + statement)]
    assert "IdxInsert" in steps
    assert "Program" not in steps
