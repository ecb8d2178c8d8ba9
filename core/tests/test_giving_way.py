"""Who calls comes first: after a transaction that others had to wait beside, the supervisor leaves them the database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ticking import SECOND, TestClock

from autocron.model import NewJob, Outcome
from autocron.store import SqliteStore
from autocron.supervisor.loop import DEAF, OTHERS_SHARE, Supervisor
from autocron.supervisor.worker_process import Ending

HELD = 0.002
"""Seconds that its transaction takes, by the clock of the test."""


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    """One that has an outcome to store."""
    supervisor = Supervisor(tmp_path / "jobs.db")
    supervisor.store.close()
    supervisor.store = SqliteStore(tmp_path / "jobs.db", create=True)
    supervisor.attention.begin()
    supervisor.store.add([NewJob("app.work", "[]", 1)], 0)
    (work,) = supervisor.store.claim(1, 1, supervisor.owner, 0)
    supervisor.endings.append(Ending(work, 7, Outcome("1")))
    yield supervisor
    supervisor.attention.end()
    supervisor.store.close()


def store_it(supervisor: Supervisor, time: TestClock, *, beside_another: bool) -> None:
    """``beside_another`` process, which writes just then."""
    another = SqliteStore(supervisor.database).transaction()
    if beside_another:
        another.__enter__()
    tries = 0

    def hear(statement: str) -> None:
        nonlocal tries
        tries += statement == "begin immediate"
        if statement == "begin immediate" and tries == 2:
            another.__exit__(None, None, None)
        if statement == "commit":
            time.pass_(round(HELD * SECOND))

    connection = supervisor.store.database._open()
    connection.set_trace_callback(hear)
    supervisor.exchange_jobs()
    connection.set_trace_callback(None)
    assert tries == 1 + beside_another
    assert supervisor.endings == []


def test_it_rests_for_several_times_as_long_as_it_wrote(supervisor: Supervisor, time: TestClock) -> None:
    store_it(supervisor, time, beside_another=True)
    assert supervisor.rest(0.0) == pytest.approx(OTHERS_SHARE * HELD)
    assert supervisor.rest(0.0) > 2 * HELD
    time.pass_(round(OTHERS_SHARE * HELD * SECOND))
    assert supervisor.rest(0.0) == 0


def test_it_does_not_rest_where_nobody_else_writes(supervisor: Supervisor, time: TestClock) -> None:
    store_it(supervisor, time, beside_another=False)
    assert supervisor.rest(0.0) == 0


def test_its_rest_is_short(supervisor: Supervisor, time: TestClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """For it hears nothing meanwhile."""
    monkeypatch.setattr("test_giving_way.HELD", 1.0)
    store_it(supervisor, time, beside_another=True)
    assert supervisor.rest(0.0) == DEAF
