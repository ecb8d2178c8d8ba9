"""What a store must do, whatever database stands behind it. One method per transition.

The conformance suite in ``core/tests/store`` runs against every implementation. All moments (``now``, ``run_at`` …)
are microseconds UTC and come from the caller: a store has no clock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from autocron.model import (
    Application,
    AttemptEnd,
    Claim,
    Counts,
    Finished,
    Job,
    Launch,
    NewJob,
    News,
    ScheduledTask,
    Settings,
    Status,
    Work,
)


class Store(Protocol):
    """Where jobs live. Every method raises StoreError when the database can't be used."""

    def transaction(self) -> AbstractContextManager[bool]:
        """What is called inside is committed together or not at all. Its value: whether others kept it waiting."""
        ...

    def close(self) -> None:
        """Let go of the connection; the next call opens one again."""
        ...

    def before_fork(self) -> None:
        """Let go of everything that must not cross a fork, and hold still."""
        ...

    def after_fork_in_parent(self) -> None: ...

    def after_fork_in_child(self) -> None: ...

    def set_durability(self, durability: str) -> None:
        """How safe a commit is from a loss of power: "normal" or "full"."""
        ...

    def maintain(self) -> bool:
        """Keep the database's files small and quick. Only the supervisor calls it. False: call again soon."""
        ...

    # -- settings and applications -------------------------------------------------------------------------

    def revision(self) -> int:
        """A number that grows whenever settings, applications, tasks or schedules change."""
        ...

    def settings(self) -> Settings: ...

    def change_settings(self, changes: Mapping[str, Any]) -> None:
        """Store these settings; None removes one, so that its default holds again."""
        ...

    def register(self, launch: Launch, tasks: Mapping[str, str], schedules: Sequence[ScheduledTask], now: int) -> int:
        """Make an application and its tasks (name to module) and schedules known; returns its id.

        A schedule that is known and unchanged keeps its next slot. The ``application`` of the schedules given is
        ignored.
        """
        ...

    def attach(self, application: int, now: int) -> None:
        """Note that a process of this application has started: jobs held for newer code get another chance."""
        ...

    def applications(self) -> list[Application]: ...

    def with_waiting_jobs(self, applications: Sequence[int]) -> list[int]:
        """Those of the applications that have a job which could start now, or is held for newer code."""
        ...

    def adopt_jobs(self, application: int, orphaned: Sequence[int]) -> int:
        """Give an application the jobs of others that could start now, or are held, whose tasks it knows too. How many.

        Jobs for later follow when they have become ready.
        """
        ...

    def forget_applications(self, applications: Sequence[int]) -> int:
        """Drop those of the applications that have no job left, with their tasks and schedules. How many."""
        ...

    # -- jobs: transitions ---------------------------------------------------------------------------------

    def add(self, jobs: Sequence[NewJob], now: int) -> list[str]:
        """→ waiting. Their uuids, in order; for a taken ``unique_key`` the uuid of the job that has it."""
        ...

    def add_each(self, job: NewJob, arguments: Sequence[str], now: int) -> list[str]:
        """→ waiting, all or none: a job like this one for each of these arguments. It has no unique key."""
        ...

    def promote(self, now: int) -> int:
        """waiting → waiting, ready: jobs whose ``run_at`` has come, and the first in line behind a job of the same
        schedule that has ended. How many."""
        ...

    def claim(
        self, application: int, limit: int, owner: str, now: int, *, concurrent: bool = False, company: int = 0
    ) -> list[Work]:
        """waiting, ready → running: by priority, then in order of arrival; never from a paused queue.

        ``concurrent`` says which kind of jobs: those that share an event loop, or the others. With a ``company`` only
        suspects that may run in a worker which then has so many jobs; without, all but suspects.
        """
        ...

    def note(self, claim: Claim, progress: str | None, lines: str, now: int) -> None:
        """running → running: keep the attempt's progress (JSON; None: as it was) and its newest log lines.

        Nothing happens for an attempt that is no longer the running one.
        """
        ...

    def finish_each(self, finished: Sequence[Finished], now: int) -> int:
        """running → done, for each of these. How many: an attempt that isn't the running one any more isn't counted."""
        ...

    def finish(self, claim: Claim, result: str, worker: int, expires_at: int, now: int) -> None:
        """running → done. Raises ClaimLostError."""
        ...

    def fail(
        self, claim: Claim, error: str, traceback: str, worker: int, expires_at: int, now: int, *, lost: bool = False
    ) -> None:
        """running → error; ``lost`` when the attempt's worker died. Raises ClaimLostError."""
        ...

    def retry_later(
        self, claim: Claim, error: str, traceback: str, worker: int, run_at: int, now: int, *, lost: bool = False
    ) -> None:
        """running → waiting, with the attempt counted as failed, or as lost. Raises ClaimLostError."""
        ...

    def suspect(self, claim: Claim, error: str, worker: int, company: int, now: int) -> None:
        """running → waiting: its worker died, and others ran in it, so the attempt isn't counted. Raises ClaimLostError.

        The next worker has at most ``company`` jobs at once; 0 or less: as many as it takes. A job with more than 0 is a
        suspect: see docs/decisions/0019-suspects.md.
        """
        ...

    def release(self, claim: Claim, now: int) -> None:
        """running → waiting: the attempt was ended for no fault of the job and isn't counted. ClaimLostError."""
        ...

    def give_back(self, claim: Claim, now: int) -> None:
        """running → waiting: the attempt hadn't begun, so there was none. Raises ClaimLostError.

        Only for who knows that it will never begin: the next claim may be the same one.
        """
        ...

    def hold(self, claim: Claim, reason: str, now: int) -> None:
        """running → waiting, held: the running code doesn't know the task. Raises ClaimLostError."""
        ...

    def cancel(self, uuid: str, expires_at: int, now: int) -> Status | None:
        """waiting → cancelled. For a running job the wish is noted, and RUNNING returned. None: unknown uuid."""
        ...

    def cancelled(self, claim: Claim, worker: int, expires_at: int, now: int) -> None:
        """running → cancelled, once its attempt has been ended. Raises ClaimLostError."""
        ...

    def retry(self, uuid: str, now: int) -> Status | None:
        """error | cancelled → waiting, with all its attempts again. Otherwise nothing changes.

        Returns the status that the job had, None for an unknown uuid.
        """
        ...

    def recover(self, owner: str, expires_at: int, now: int) -> int:
        """running → waiting for every job claimed by another owner: its supervisor and workers are dead.

        A job that may run at most once becomes an error instead. How many jobs.
        """
        ...

    def expire(self, now: int, limit: int) -> int:
        """Delete up to ``limit`` jobs whose time to be kept is over. How many."""
        ...

    # -- jobs: questions -----------------------------------------------------------------------------------

    def news(self) -> News:
        """What a supervisor that was rung for asks first, in one question."""
        ...

    def has_ready(self, application: int) -> dict[bool, bool]:
        """Whether a job could start, of ordinary ones (False) and of those that share an event loop (True); not suspects."""
        ...

    def cancel_requests(self) -> list[Claim]:
        """The running attempts that shall be ended."""
        ...

    def suspects(self) -> dict[int, bool]:
        """The applications that have suspects which haven't ended; True for those with one that could start now."""
        ...

    def next_run_at(self) -> int | None:
        """When the next job for later is due."""
        ...

    def next_expiry(self) -> int | None:
        """When the next job may be deleted."""
        ...

    def application_of(self, claim: Claim) -> int | None:
        """Whose job it is; None if it is gone."""
        ...

    def job(self, uuid: str) -> Job | None: ...

    def attempts(self, uuid: str) -> list[AttemptEnd]:
        """The job's attempts that didn't end it well, in order."""
        ...

    def jobs(self, *, finished: bool = False, limit: int = -1) -> list[Job]:
        """Jobs, newest first; with ``finished`` only those at an end."""
        ...

    def counts(self) -> Counts: ...

    # -- schedules -----------------------------------------------------------------------------------------

    def schedules(self) -> list[ScheduledTask]: ...

    def fire(self, schedule: ScheduledTask, slots: Sequence[tuple[int, int]], next_run_at: int | None, now: int) -> int:
        """Make the jobs of these slots, (slot, run_at) each, and move the schedule on, in one transaction.

        Nothing happens when the schedule has been moved on or changed since it was read. How many jobs were made.
        """
        ...

    def rewind(self, now: int) -> None:
        """The clock has gone back: intervals don't count from the future, and what rests before a scheduled job or
        another attempt counts from now."""
        ...

    def has_unfinished(self, schedule: str) -> bool:
        """Whether a job of this schedule waits or runs."""
        ...

    def drop_schedules(self, application: int, tasks: Collection[str]) -> None:
        """Remove the application's schedules of these tasks, and their waiting jobs: the code doesn't have them any more."""
        ...

    def mark_broken(self, application: int, reasons: Mapping[str, str]) -> None:
        """Note why the functions of these tasks can't be imported. Registering a schedule again clears it."""
        ...
