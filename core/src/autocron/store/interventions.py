"""The SQLite store's changes on behalf of an operator, in batches that make no call wait."""

from __future__ import annotations

import random
from collections.abc import Iterator

from autocron.model import Job, ScheduledTask, Status
from autocron.store import rows
from autocron.store.database import Database
from autocron.store.reports import Filter

BATCH = 500
"""Rows changed in one transaction."""


class Interventions:
    """Changes in the SQLite store's database. No part of the store itself: only who makes them pays for the import."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def pause(self, queue: str) -> bool:
        """Claim nothing more from this queue. False when it was paused before."""
        return bool(self.database.write("insert or ignore into paused_queues (queue) values (?)", (queue,)).rowcount)

    def resume(self, queue: str) -> bool:
        """Claim from this queue again. False when it wasn't paused."""
        return bool(self.database.write("delete from paused_queues where queue = ?", (queue,)).rowcount)

    def retry_failed(self, wanted: Filter, now: int) -> tuple[int, int]:
        """error → waiting for all jobs of the filter: (how many, how many of the failed ones could not).

        One can't run again while another job with its unique key waits or runs.
        """
        where, parameters = Filter(Status.ERROR, wanted.task, wanted.queue).where()
        retried = refused = 0
        for ids in self._batches(where, parameters):
            changed = self.database.write(
                f"""
                update or ignore jobs set state = 'waiting', readiness = 1, run_at = :now, failures = 0, lost = 0, company = 0,
                                          finished_at = null, expires_at = null, cancel_requested = 0
                where id between :first and :last and {where}
                """,  # noqa: S608  (constants)
                {**parameters, "now": now, "first": ids[0], "last": ids[-1]},
            ).rowcount
            retried += changed
            refused += len(ids) - changed
        return retried, refused

    def purge(self, wanted: Filter, before: int | None) -> int:
        """Delete the finished jobs of the filter that ended before this moment (None: whenever). How many."""
        where, parameters = wanted.where()
        where += " and state in ('done', 'error', 'cancelled') and (:before is null or finished_at < :before)"
        parameters["before"] = before
        return sum(
            self.database.write(
                f"delete from jobs where id between :first and :last and {where}",  # noqa: S608  (constants)
                {**parameters, "first": ids[0], "last": ids[-1]},
            ).rowcount
            for ids in self._batches(where, parameters)
        )

    def run_now(self, schedule: ScheduledTask, now: int) -> str:
        """→ waiting: a job of the schedule outside of its slots. Its uuid."""
        nonce = random.getrandbits(rows.NONCE_BITS)
        cursor = self.database.write(
            """
            insert into jobs (nonce, task, application, queue, priority, state, readiness, run_at, arguments, policy,
                              created_at, schedule, concurrent)
            values (?, ?, ?, ?, ?, 'waiting', 1, ?, ?, ?, ?, ?, ?)
            """,
            (
                nonce,
                schedule.task,
                schedule.application,
                schedule.queue,
                schedule.priority,
                now,
                schedule.arguments,
                schedule.policy,
                now,
                schedule.name,
                schedule.concurrent,
            ),
        )
        assert cursor.lastrowid is not None
        return rows.uuid_of(cursor.lastrowid, nonce)

    def unfinished_job_of(self, schedule: str) -> Job | None:
        found = self.database.read(
            "select * from jobs where schedule = ? and state in ('waiting', 'running') limit 1", (schedule,)
        )
        return rows.job(found[0]) if found else None

    def _batches(self, where: str, parameters: dict[str, object]) -> Iterator[list[int]]:
        """The ids of the rows of a condition, in order, so many at a time. They may be changed in between."""
        last = 0
        while True:
            found = self.database.read(
                f"select id from jobs where {where} and id > :last order by id limit :batch",  # noqa: S608  (constants)
                {**parameters, "last": last, "batch": BATCH},
            )
            if not found:
                return
            ids = [row["id"] for row in found]
            yield ids
            last = ids[-1]
