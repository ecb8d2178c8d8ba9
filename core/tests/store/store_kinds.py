"""The stores there are. The conformance suite runs against each; a new one is one more line in ``KINDS``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from autocron.model import Claim, Job, Launch, NewJob, Policy, ScheduledTask, Work
from autocron.store import SqliteStore
from autocron.store.protocol import Store

SECOND = 1_000_000
NOW = 1_800_000_000 * SECOND
LATER = NOW + 60 * SECOND
EXPIRY = NOW + 1800 * SECOND
CANCELLED_KEPT = 1800 * SECOND
OWNER = "host:1:aaaa"
OTHER_OWNER = "host:2:bbbb"


@dataclass(frozen=True)
class StoreKind:
    """How the suite makes and looks into one kind of store.

    ``connect`` opens the store of a folder, which is made if it isn't there; a second call is what another process
    would open. ``contents`` is everything that is stored, comparable.
    """

    name: str
    connect: Callable[[Path], Store]
    pause: Callable[[Store, str], None]
    resume: Callable[[Store, str], None]
    contents: Callable[[Store], dict[str, list[Any]]]


def _pause(store: Store, queue: str) -> None:
    cast(SqliteStore, store).database.write("insert or ignore into paused_queues values (?)", (queue,))


def _resume(store: Store, queue: str) -> None:
    cast(SqliteStore, store).database.write("delete from paused_queues where queue = ?", (queue,))


def _contents(store: Store) -> dict[str, list[Any]]:
    database = cast(SqliteStore, store).database
    tables = [row["name"] for row in database.read("select name from sqlite_schema where type = 'table'")]
    return {table: [tuple(row) for row in database.read(f"select * from {table}")] for table in tables}


def _connect(folder: Path) -> Store:
    return SqliteStore(folder / "jobs.db", create=True)


KINDS = [
    StoreKind("sqlite", _connect, _pause, _resume, _contents),
]


# -- what the tests put in ---------------------------------------------------------------------------------


def launch(name: str = "app") -> Launch:
    return Launch(executable="/usr/bin/python3", cwd=f"/srv/{name}", path=("/srv", "/usr/lib/python3"))


def job(application: int, **changes: Any) -> NewJob:
    return NewJob(**{"task": "app.work", "arguments": "[[],{}]", "application": application, **changes})


def at_most_once() -> str:
    return Policy(at_most_once=True).to_json()


def schedule(name: str = "app.tidy", **changes: Any) -> ScheduledTask:
    values: dict[str, Any] = {
        "name": name,
        "task": name,
        "spec": '{"every": 60}',
        "words": "Every minute",
        "application": 0,
        "arguments": "[[],{}]",
        "anchor": NOW,
        "next_run_at": NOW + 60 * SECOND,
    }
    return ScheduledTask(**values | changes)


def claim_one(store: Store, application: int, *, owner: str = OWNER, now: int = NOW) -> Work:
    """The next job, claimed; it must be there."""
    (work,) = store.claim(application, 1, owner, now)
    return work


def running(store: Store, application: int, **options: object) -> tuple[str, Claim]:
    (name,) = store.add([job(application, **options)], NOW)
    return name, claim_one(store, application).claim


def found(store: Store, name: str) -> Job:
    job = store.job(name)
    assert job is not None
    return job
