"""The SQLite store's answers to an operator: what waits, what runs, what failed and why."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autocron.errors import ConfigurationError, StoreError
from autocron.model import Job, Status
from autocron.store import rows
from autocron.store.database import Database

ORDERS = {
    "newest": "id desc",
    "oldest": "id",
    "next": "run_at, id",
    "finished": "finished_at desc, id desc",
    "longest": "coalesce(finished_at, :now) - coalesce(started_at, :now) desc, id desc",
}
"""How jobs may be sorted. ``next``: by earliest start; ``longest``: by the duration of the last attempt."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which jobs; None: whatever it is. A ``task`` without dots stands for that name in any module."""

    status: Status | None = None
    task: str | None = None
    queue: str | None = None

    def where(self) -> tuple[str, dict[str, Any]]:
        """The condition, put together from constants, and its parameters."""
        conditions, parameters = ["true"], {}
        if self.status is not None:
            conditions.append("state = :state")
            parameters["state"] = str(self.status)
        if self.task is not None:
            conditions.append("(task = :task or substr(task, -length(:task) - 1) = '.' || :task)")
            parameters["task"] = self.task
        if self.queue is not None:
            conditions.append("queue = :queue")
            parameters["queue"] = self.queue
        return " and ".join(conditions), parameters


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution of a job. ``outcome``: running, done, error, lost, released, held or cancelled.

    ``lines`` is what it wrote to its log, the newest 64 KiB.
    """

    number: int
    started_at: int | None
    finished_at: int | None
    worker: int | None
    outcome: str
    error: str = ""
    traceback: str = ""
    lines: str = ""


@dataclass(frozen=True, slots=True)
class JobDetails:
    """Everything that is stored about one job. ``policy`` is JSON, ``owner`` the supervisor that runs it."""

    job: Job
    attempts: tuple[Attempt, ...]
    policy: str
    owner: str | None
    expires_at: int | None
    cancel_requested: bool
    unique_key: str | None


@dataclass(frozen=True, slots=True)
class Tally:
    """How many jobs are in each state.

    The waiting ones are ``ready``, for ``later``, ``held`` for newer code, or ``behind`` another job of their schedule.
    The ``recently`` and ``ever`` ones also count those that are deleted by now, or have been run again.
    """

    ready: int = 0
    later: int = 0
    held: int = 0
    behind: int = 0
    running: int = 0
    done: int = 0
    error: int = 0
    cancelled: int = 0
    recently_done: int = 0
    recently_failed: int = 0
    ever_done: int = 0
    ever_failed: int = 0
    ever_cancelled: int = 0

    @property
    def waiting(self) -> int:
        return self.ready + self.later + self.held + self.behind


@dataclass(frozen=True, slots=True)
class HeldTask:
    """Jobs that wait for newer code."""

    task: str
    number: int
    reason: str


class Reports:
    """Questions to the SQLite store's database. No part of the store itself: only who asks pays for the import."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def tally(self, since: int) -> Tally:
        """Counts by state; the ``recently`` ones since the minute of that moment.

        All are counted in indexes, so a million finished jobs take less than half a second.
        """
        (live,) = self.database.read(
            """
            select (select count(*) from jobs where state = 'waiting' and readiness = 1) as ready,
                   (select count(*) from jobs where state = 'waiting' and readiness = 0) as later,
                   (select count(*) from jobs where state = 'waiting' and readiness = 2) as held,
                   (select count(*) from jobs where state = 'waiting' and readiness = 3) as behind,
                   (select count(*) from jobs where state = 'running') as running
            """
        )
        counts: dict[str, int] = dict(live)
        recently, ever = dict.fromkeys(("done", "error", "cancelled"), 0), dict.fromkeys(("done", "error", "cancelled"), 0)
        # One statement, so one snapshot: a job deleted in between would be missing, or be there twice.
        for state, kept, number, recent in self.database.read(
            """
            select state, true, count(*), sum(finished_at >= :since) from jobs where finished_at is not null group by state
            union all
            select state, false, sum(number), sum(iif(minute >= :since / 60000000, number, 0)) from totals group by state
            """,
            {"since": since},
        ):
            if state not in ever:
                raise rows.impossible(state)
            if kept:
                counts[state] = number
            ever[state] += number
            recently[state] += recent
        return Tally(
            **counts,
            recently_done=recently["done"],
            recently_failed=recently["error"],
            ever_done=ever["done"],
            ever_failed=ever["error"],
            ever_cancelled=ever["cancelled"],
        )

    def search(self, wanted: Filter, *, order: str = "newest", limit: int = -1, now: int = 0) -> list[Job]:
        """Jobs by filter; ``order`` is a name in ORDERS."""
        where, parameters = wanted.where()
        # The inner query sorts without the texts of the rows, which may be large.
        found = self.database.read(
            f"select * from jobs where id in (select id from jobs where {where} order by {ORDERS[order]} limit :limit) "  # noqa: S608
            f"order by {ORDERS[order]}",
            {**parameters, "limit": limit, "now": now},
        )
        return [rows.job(row) for row in found]

    def details(self, uuid: str) -> JobDetails | None:
        found = self.database.read("select * from jobs where id = :id and nonce = :nonce", rows.key_of(uuid))
        if not found:
            return None
        (row,) = found
        logs = self.database.read("select attempt, lines from logs where job = ?", (row["id"],))
        lines: dict[int, str] = {each["attempt"]: each["lines"] for each in logs}
        attempts = [
            Attempt(
                number=each["attempt"],
                started_at=each["started_at"],
                finished_at=each["finished_at"],
                worker=each["worker"] or None,
                outcome=each["outcome"],
                error=each["error"],
                traceback=each["traceback"],
                lines=lines.get(each["attempt"], ""),
            )
            for each in self.database.read("select * from attempts where job = ? order by attempt", (row["id"],))
        ]
        if row["state"] in ("running", "done"):  # only the ones that ended badly are kept in the table
            worker = row["worker"] if row["state"] == "done" else None
            number = row["attempt"]
            attempts.append(
                Attempt(number, row["started_at"], row["finished_at"], worker, row["state"], lines=lines.get(number, ""))
            )
        return JobDetails(
            job=rows.job(row),
            attempts=tuple(attempts),
            policy=row["policy"],
            owner=row["owner"],
            expires_at=row["expires_at"],
            cancel_requested=bool(row["cancel_requested"]),
            unique_key=row["unique_key"],
        )

    def oldest_ready(self) -> Job | None:
        """The job that could start and has waited longest for it; those of paused queues aside."""
        found = self.database.read(
            """
            select * from jobs where id = (
                select id from jobs
                where state = 'waiting' and readiness = 1 and queue not in (select queue from paused_queues)
                order by run_at, id limit 1
            )
            """
        )
        return rows.job(found[0]) if found else None

    def ready_by_application(self) -> Mapping[int, int]:
        """How many jobs could start, by application; those of paused queues aside."""
        found = self.database.read(
            """
            select application, count(*) as number from jobs
            where state = 'waiting' and readiness = 1 and queue not in (select queue from paused_queues)
            group by application
            """
        )
        return {row["application"]: row["number"] for row in found}

    def held_tasks(self) -> list[HeldTask]:
        found = self.database.read(
            """
            select task, count(*) as number, max(error) as reason from jobs
            where state = 'waiting' and readiness = 2 group by task order by task
            """
        )
        return [HeldTask(**dict(row)) for row in found]

    def paused_queues(self) -> dict[str, int]:
        """The paused queues, and how many jobs wait in each."""
        found = self.database.read(
            """
            select p.queue, (select count(*) from jobs where state = 'waiting' and queue = p.queue) as number
            from paused_queues as p order by p.queue
            """
        )
        return {row["queue"]: row["number"] for row in found}

    def known_queues(self) -> list[str]:
        """The queues of unfinished jobs and of schedules, the paused ones, and the default."""
        found = self.database.read(
            """
            select queue from jobs where state in ('waiting', 'running') union select queue from schedules
            union select queue from paused_queues union select 'default' order by 1
            """
        )
        return [row["queue"] for row in found]

    def last_job_of(self, schedule: str) -> Job | None:
        """The newest job of a schedule that is still kept."""
        found = self.database.read("select * from jobs where schedule = ? order by +id desc limit 1", (schedule,))
        return rows.job(found[0]) if found else None

    def stored_settings(self) -> dict[str, str]:
        """The settings that aren't left at their defaults, as JSON."""
        return {row["name"]: row["value"] for row in self.database.read("select name, value from settings order by name")}

    def damages(self) -> list[str]:
        """What SQLite finds wrong with the file; reads all of it."""
        found = [str(row[0]) for row in self.database.read("pragma quick_check(20)")]
        return [] if found == ["ok"] else found

    def journal_mode(self) -> str:
        return str(self.database.read("pragma journal_mode")[0][0])

    def backup(self, target: Path) -> int:
        """A consistent copy in a new file, while everything runs. Its size in bytes.

        Raises ConfigurationError if the file can't be made or is there already, StoreError if it can't be filled.
        """
        unfinished = target.with_name(target.name + ".part")
        try:
            if target.exists():
                raise ConfigurationError(f"{target} is there already; it was left untouched. Give the backup another name")
            os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            raise ConfigurationError(
                f"{unfinished} is there already: another backup is running, or one was interrupted; then delete the file"
            ) from None
        except OSError as error:
            raise ConfigurationError(f"the backup {target} can't be written: {error.strerror}; give another path") from error
        try:
            self._copy(unfinished)
            unfinished.rename(target)
        except sqlite3.Error as error:
            raise StoreError(f"the backup {target} could not be made: {error}; no file was left") from error
        finally:
            unfinished.unlink(missing_ok=True)
        return target.stat().st_size

    def _copy(self, unfinished: Path) -> None:
        # Connections of their own: a copy may take long, and other threads of this process go on meanwhile.
        with (
            contextlib.closing(sqlite3.connect(f"{Path(self.database.path).as_uri()}?mode=ro", uri=True, timeout=30)) as source,
            contextlib.closing(sqlite3.connect(unfinished)) as copy,
        ):
            source.backup(copy)  # all pages in one step: one snapshot, whatever is written meanwhile
            copy.execute("pragma wal_checkpoint(truncate)")
            ((verdict,),) = copy.execute("pragma quick_check(1)").fetchall()
            if verdict != "ok":
                raise sqlite3.DatabaseError(f"the copy is damaged: {verdict}")
