"""The store in a SQLite file: one method per transition, one guarded statement each."""

from __future__ import annotations

import functools
import itertools
import os
import random
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from autocron.clock import MICROSECONDS
from autocron.errors import InvalidStateError
from autocron.intake import NewJob
from autocron.store import rows
from autocron.store.claims import Claims
from autocron.store.database import Database
from autocron.store.registry import Registry
from autocron.store.timetable import Timetable

if TYPE_CHECKING:
    from autocron.model import AttemptEnd, Claim, Counts, Job, News
    from autocron.states import Status

LOG_KEPT = 64 * 1024
"""Characters of one attempt's log lines that are kept, the newest."""

_MINUTE = 60 * MICROSECONDS
_MINUTES_APART = 120  # of the ends that are only counted; older ones are added up

# Nearly every call is a plain one: what SQLite reads as part of the statement needn't be handed over as a value.
_ADD_PLAIN = """
insert into jobs (nonce, task, application, queue, priority, state, readiness, run_at, arguments, policy, created_at)
values (?, ?, ?, 'default', 0, 'waiting', ?, ?, ?, '{}', ?)
"""

# What the rows have in common is handed over once. By position: names are looked up for every value.
_ADD = """
insert into jobs (nonce, arguments, task, application, queue, priority, state, readiness, run_at, policy, created_at,
                  unique_key, concurrent, context)
select each.column1, each.column2, shared.*
from (values {rows}) as each, (select ?, ?, ?, ?, 'waiting', ?, ?, ?, ?, ?, ?, ?) as shared
"""

_NEWS = """
select (select number from revision), (select min(run_at) from jobs where state = 'waiting' and readiness = 0),
       exists (select 1 from jobs where state = 'running' and cancel_requested = 1),
       (select coalesce(max(id), 0) from jobs)
"""

_READY = """
exists (
    select 1 from jobs where state = 'waiting' and readiness = 1 and application = ? and concurrent = {concurrent}
                         and queue not in (select queue from paused_queues) and company <= 0
)
"""
_HAS_READY = f"select {_READY.format(concurrent=0)}, {_READY.format(concurrent=1)}"

_WITH_KEY = "select id, nonce from jobs where unique_key = ? and (state = 'waiting' or state = 'running')"

_ROWS_AT_ONCE = 50


class SqliteStore(Claims, Registry, Timetable):
    """Jobs in the SQLite file at ``path``. ``create`` makes the file (mode 0600) if it isn't there.

    ``upgrade`` brings a file of an older version up to date; without it, such a file is refused.
    """

    def __init__(self, path: str | os.PathLike[str], *, create: bool = False, upgrade: bool = True) -> None:
        self.database: Database = Database(path, create=create, upgrade=upgrade)

    def transaction(self) -> AbstractContextManager[bool]:
        return self.database.transaction()

    def close(self) -> None:
        self.database.close()

    def before_fork(self) -> None:
        self.database.before_fork()

    def after_fork_in_parent(self) -> None:
        self.database.after_fork_in_parent()

    def after_fork_in_child(self) -> None:
        self.database.after_fork_in_child()

    def set_durability(self, durability: str) -> None:
        self.database.set_durability(durability)

    def maintain(self) -> bool:
        """Checkpoint the WAL, and give freed pages back to the file system."""
        return self.database.maintain()

    # -- transitions ---------------------------------------------------------------------------------------

    def add(self, jobs: Sequence[NewJob], now: int) -> list[str]:
        """→ waiting."""
        if len(jobs) == 1:
            return [self._add_one(jobs[0], now)]
        with self.database.transaction():
            return [self._add_one(job, now) for job in jobs]

    def add_each(self, job: NewJob, arguments: Sequence[str], now: int) -> list[str]:
        """→ waiting. Many rows in one statement cost half of what as many statements do."""
        uuids: list[str] = []
        shared = _shared(job, now)
        with self.database.transaction():
            for begin in range(0, len(arguments), _ROWS_AT_ONCE):
                portion = arguments[begin : begin + _ROWS_AT_ONCE]
                nonces = [random.getrandbits(rows.NONCE_BITS) for _ in portion]
                values = itertools.chain.from_iterable(zip(nonces, portion, strict=True))
                cursor = self.database.write(_add_rows(len(portion)), (*values, *shared))
                assert cursor.lastrowid is not None
                # SQLite gives each row the id after the largest; in a transaction no other process takes one between.
                first = cursor.lastrowid - len(portion) + 1
                uuids += map(rows.uuid_of, itertools.count(first), nonces)
        return uuids

    def _add_one(self, job: NewJob, now: int) -> str:
        nonce = random.getrandbits(rows.NONCE_BITS)
        task, arguments, application, run_at, *rest = job
        if rest == _PLAIN:
            if run_at is None or run_at <= now:
                values = (nonce, task, application, 1, now, arguments, now)
            else:
                values = (nonce, task, application, 0, run_at, arguments, now)
            cursor = self.database.write(_ADD_PLAIN, values)
        else:
            try:
                cursor = self.database.write(_add_rows(1), (nonce, arguments, *_shared(job, now)))
            except sqlite3.IntegrityError:
                if job.unique_key is None:
                    raise
                found = self.database.read(_WITH_KEY, (job.unique_key,))
                if not found:  # it ended between the two statements
                    return self._add_one(job, now)
                return rows.uuid_of(found[0]["id"], found[0]["nonce"])
        assert cursor.lastrowid is not None
        return rows.uuid_of(cursor.lastrowid, nonce)

    def promote(self, now: int) -> int:
        """waiting, later → waiting, ready; waiting, behind → waiting, ready."""
        due = self.database.write(
            "update jobs set readiness = 1 where state = 'waiting' and readiness = 0 and run_at <= ?", (now,)
        ).rowcount
        first_in_line = self.database.write(
            """
            update jobs set readiness = iif(run_at > ?, 0, 1)
            where id in (select min(id) from jobs where state = 'waiting' and readiness = 3 group by schedule)
              and not exists (
                select 1 from jobs as ahead
                where ahead.schedule = jobs.schedule and ahead.state in ('waiting', 'running') and ahead.readiness <> 3
              )
            """,
            (now,),
        ).rowcount
        return due + first_in_line

    def note(self, claim: Claim, progress: str | None, lines: str, now: int) -> None:
        """running → running: what the attempt tells of itself."""
        key = {"id": claim.job, "nonce": claim.nonce, "attempt": claim.attempt, "owner": claim.owner}
        with self.database.transaction():
            changed = self.database.write(
                "update jobs set progress = coalesce(:progress, progress) "
                "where id = :id and nonce = :nonce and state = 'running' and attempt = :attempt and owner = :owner",
                {**key, "progress": progress},
            ).rowcount
            if changed and lines:
                self.database.write(
                    "insert into logs (job, attempt, lines) values (:id, :attempt, :lines) "
                    "on conflict (job, attempt) do update set lines = substr(lines || excluded.lines, -:kept)",
                    {**key, "lines": lines, "kept": LOG_KEPT},
                )

    def cancel(self, uuid: str, expires_at: int, now: int) -> Status | None:
        """waiting → cancelled; running: the wish is noted."""
        key = rows.key_of(uuid)
        with self.database.transaction():
            self.database.write(
                """
                update jobs set state = 'cancelled', finished_at = :now, expires_at = :expires_at
                where id = :id and nonce = :nonce and state = 'waiting'
                """,
                {**key, "now": now, "expires_at": expires_at},
            )
            self.database.write(
                "update jobs set cancel_requested = 1 where id = :id and nonce = :nonce and state = 'running'", key
            )
            return self._status(key)

    def retry(self, uuid: str, now: int) -> Status | None:
        """error | cancelled → waiting."""
        key = rows.key_of(uuid)
        with self.database.transaction():
            before = self._status(key)
            try:
                self.database.write(
                    """
                    update jobs set state = 'waiting', readiness = 1, run_at = :now, failures = 0, lost = 0, company = 0,
                                    finished_at = null, expires_at = null, cancel_requested = 0
                    where id = :id and nonce = :nonce and state in ('error', 'cancelled')
                    """,
                    {**key, "now": now},
                )
            except sqlite3.IntegrityError:
                raise InvalidStateError(
                    f"job {uuid} can't run again now: another job with its unique key waits or runs"
                ) from None
            return before

    def expire(self, now: int, limit: int) -> int:
        """Any final state → gone."""
        with self.database.transaction():
            deleted = self.database.write(
                "delete from jobs where id in (select id from jobs where expires_at <= ? limit ?)", (now, limit)
            ).rowcount
            if deleted:
                self._add_up_totals(now // _MINUTE - _MINUTES_APART)
            return deleted

    def _add_up_totals(self, before: int) -> None:
        """So that the table of totals stays small, however long the database lives."""
        self.database.write(
            """
            insert into totals (state, minute, number)
            select state, 0, sum(number) from totals where minute between 1 and ? group by state
            on conflict (state, minute) do update set number = number + excluded.number
            """,
            (before,),
        )
        self.database.write("delete from totals where minute between 1 and ?", (before,))

    # -- questions -----------------------------------------------------------------------------------------

    def news(self) -> News:
        from autocron.model import News

        ((revision, next_run_at, cancels, newest),) = self.database.read(_NEWS, here=True)
        return News(revision, next_run_at, bool(cancels), newest)

    def has_ready(self, application: int) -> dict[bool, bool]:
        ((ordinary, concurrent),) = self.database.read(_HAS_READY, (application, application))
        return {False: bool(ordinary), True: bool(concurrent)}

    def cancel_requests(self) -> list[Claim]:
        from autocron.model import Claim

        found = self.database.read(
            "select id, nonce, attempt, owner from jobs where state = 'running' and cancel_requested = 1"
        )
        return [Claim(row["id"], row["nonce"], row["attempt"], row["owner"]) for row in found]

    def suspects(self) -> dict[int, bool]:
        found = self.database.read(
            """
            select application, max(state = 'waiting' and readiness = 1 and queue not in (select queue from paused_queues))
            from jobs where company > 0 and finished_at is null group by application
            """
        )
        return {application: bool(ready) for application, ready in found}

    def next_run_at(self) -> int | None:
        return self._one("select min(run_at) from jobs where state = 'waiting' and readiness = 0")

    def next_expiry(self) -> int | None:
        return self._one("select min(expires_at) from jobs where expires_at is not null")

    def application_of(self, claim: Claim) -> int | None:
        found = self.database.read("select application from jobs where id = ? and nonce = ?", (claim.job, claim.nonce))
        return found[0]["application"] if found else None

    def job(self, uuid: str) -> Job | None:
        found = self.database.read("select * from jobs where id = :id and nonce = :nonce", rows.key_of(uuid))
        return rows.job(found[0]) if found else None

    def attempts(self, uuid: str) -> list[AttemptEnd]:
        from autocron.model import AttemptEnd

        found = self.database.read(
            """
            select attempt, outcome, started_at, finished_at, worker, error, traceback from attempts
            where job = (select id from jobs where id = :id and nonce = :nonce) order by attempt
            """,
            rows.key_of(uuid),
        )
        return [AttemptEnd(*row)._replace(worker=row["worker"] or None) for row in found]

    def jobs(self, *, finished: bool = False, limit: int = -1) -> list[Job]:
        where = "where state in ('done', 'error', 'cancelled')" if finished else ""
        found = self.database.read(f"select * from jobs {where} order by id desc limit ?", (limit,))  # noqa: S608
        return [rows.job(row) for row in found]

    def counts(self) -> Counts:
        from autocron.model import Counts

        found = self.database.read("select state, count(*) as number from jobs group by state")
        return Counts({rows.status(row["state"]): row["number"] for row in found})

    def _status(self, key: Mapping[str, int]) -> Status | None:
        found = self.database.read("select state from jobs where id = :id and nonce = :nonce", key)
        return rows.status(found[0]["state"]) if found else None

    def _one(self, sql: str, parameters: tuple[Any, ...] = ()) -> int | None:
        ((value,),) = self.database.read(sql, parameters)
        return None if value is None else int(value)


_PLAIN = list(NewJob("", "", 0)[4:])
"""What isn't said of a job whose task has no options but when."""


@functools.cache
def _add_rows(number: int) -> str:
    """A statement for so many rows: nonce and arguments of each, then what ``_shared`` gives."""
    return _ADD.format(rows=", ".join(["(?, ?)"] * number))


def _shared(job: NewJob, now: int) -> tuple[str | int | None, ...]:
    task, _, application, run_at, queue, priority, unique_key, policy, concurrent, context = job
    if run_at is None or run_at <= now:
        readiness, run_at = 1, now
    else:
        readiness = 0
    return task, application, queue, priority, readiness, run_at, policy, now, unique_key, concurrent, context
