"""``Operations``: the questions and changes themselves."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autocron import clock, locations
from autocron.clock import MICROSECONDS
from autocron.errors import AutocronError, ConfigurationError, InvalidStateError, JobNotFoundError, StoreError
from autocron.model import Job, Settings, Status
from autocron.operations import inquiries
from autocron.operations.inquiries import Overview, Processes, ScheduleReport
from autocron.operations.metrics import Metric, metrics
from autocron.operations.system import Finding
from autocron.processes.wakeup import WakeUpWriter
from autocron.settings import checked_settings
from autocron.store import SqliteStore
from autocron.store.interventions import Interventions
from autocron.store.reports import ORDERS, Filter, JobDetails, Reports


def make_database(path: str | Path) -> Settings:
    """Make the database, or upgrade one of an older version; its settings. Nothing may be at work in it."""
    store = SqliteStore(path, create=True)
    try:
        return store.settings()
    finally:
        store.close()


class UnknownScheduleError(AutocronError, LookupError):
    """No schedule has this name, or several end with it."""


class Operations:
    """On the database at this path, which must exist: raises StoreError if it doesn't.

    One of an older version is refused (ForeignDatabaseError), not upgraded: that version may be at work in it.
    ``store`` is this process's store for it, if it has one already; then ``close`` leaves it open. ``attached`` is the
    application that this process is attached for.
    """

    def __init__(self, database: Path, store: SqliteStore | None = None, *, attached: int | None = None) -> None:
        self._attached = attached
        self._wakeup = WakeUpWriter(locations.wakeup_path(database))
        self._own = store is None
        self._store = SqliteStore(database, upgrade=False) if store is None else store
        self._reports = Reports(self._store.database)
        self._interventions = Interventions(self._store.database)
        self.heard: bool = True
        """Whether a supervisor was there to hear of the last change; otherwise it acts when one starts."""
        self._store.revision()

    def close(self) -> None:
        self._wakeup.close()
        if self._own:
            self._store.close()

    # -- questions -----------------------------------------------------------------------------------------

    def status(self) -> Overview:
        """Is it running, what does it do, what is stuck."""
        return inquiries.status(self._store, self._reports, self._wakeup, self._attached)

    def processes(self) -> Processes:
        """The supervisor, its workers, and the attached processes."""
        return inquiries.processes(Path(self._store.database.path), self._store.applications(), self._attached)

    def jobs(
        self,
        *,
        status: Status | str | None = None,
        task: str | None = None,
        queue: str | None = None,
        order: str = "newest",
        limit: int = 50,
    ) -> list[Job]:
        """Jobs by filter. ``order``: newest, oldest, next, finished, longest. ``limit`` -1: all.

        A ``task`` without dots stands for that function in any module.
        """
        if order not in ORDERS:
            raise ConfigurationError(f"order={order!r} must be one of {', '.join(ORDERS)}")
        wanted = Filter(None if status is None else _job_status(status), task, queue)
        return self._reports.search(wanted, order=order, limit=limit, now=clock.now())

    def results(self, limit: int = -1) -> list[Job]:
        """Jobs that have come to an end and are still kept, newest first."""
        return self._store.jobs(finished=True, limit=limit)

    def show(self, uuid: str) -> JobDetails:
        """Everything about one job. Raises JobNotFoundError."""
        details = inquiries.details(self._store, self._reports, uuid)
        if details is None:
            raise _not_found(uuid)
        return details

    def schedules(self) -> list[ScheduleReport]:
        """All schedules with their last jobs, by name."""
        applications = self._store.applications()
        attached = inquiries.processes(Path(self._store.database.path), applications, self._attached).applications
        return [
            dataclasses.replace(report, last_job=self._reports.last_job_of(report.schedule.name))
            for report in inquiries.schedules(self._store, applications, attached)
        ]

    def metrics(self) -> list[Metric]:
        """The state of everything as numbers; ``prometheus_text`` makes Prometheus's format of them."""
        return metrics(self.status(), self.schedules())

    def paused_queues(self) -> dict[str, int]:
        """The paused queues, and how many jobs wait in each."""
        return self._reports.paused_queues()

    def known_queues(self) -> list[str]:
        """The queues of unfinished jobs and of schedules, the paused ones, and the default."""
        return self._reports.known_queues()

    def check_up(self) -> list[Finding]:
        """Everything that is known to go wrong, looked at; reads the whole file."""
        from autocron.operations import doctor  # only who asks pays for it

        return doctor.check_up(self._store, self._reports, self._wakeup, self._attached)

    def stored_settings(self) -> dict[str, str]:
        """The settings that aren't left at their defaults, as JSON."""
        return self._reports.stored_settings()

    # -- jobs ----------------------------------------------------------------------------------------------

    def retry(self, uuid: str) -> None:
        """Run a job again that failed or was cancelled. Raises JobNotFoundError, InvalidStateError."""
        before = self._store.retry(uuid, clock.now())
        if before is None:
            raise _not_found(uuid)
        if before not in (Status.ERROR, Status.CANCELLED):
            raise InvalidStateError(f"job {uuid} is {before}; only one that failed or was cancelled can be retried")
        self._wake()

    def retry_failed(self, *, task: str | None = None, queue: str | None = None) -> tuple[int, int]:
        """Run all failed jobs again: how many, and how many can't because another with their unique key waits or runs."""
        changed = self._interventions.retry_failed(Filter(None, task, queue), clock.now())
        self._wake()
        return changed

    def cancel(self, uuid: str) -> Status:
        """CANCELLED: the job will never start. RUNNING: its attempt is being ended.

        Raises JobNotFoundError, InvalidStateError when it had come to its end before.
        """
        details = self.show(uuid)
        if details.job.status.is_final:
            raise InvalidStateError(f"job {uuid} is {details.job.status} already; only one that waits or runs can be cancelled")
        now = clock.now()
        after = self._store.cancel(uuid, now + round(self.settings().result_ttl * MICROSECONDS), now)
        if after is None:
            raise _not_found(uuid)
        self._wake()
        if after not in (Status.CANCELLED, Status.RUNNING):
            raise InvalidStateError(f"job {uuid} came to its end just before: it is {after}")
        return after

    def purge(
        self, *, status: Status | str | None = None, task: str | None = None, queue: str | None = None, older_than: float = 0
    ) -> int:
        """Delete finished jobs (that ended ``older_than`` seconds ago or more), their results and tracebacks. How many."""
        wanted = Filter(None if status is None else _job_status(status), task, queue)
        if wanted.status is not None and not wanted.status.is_final:
            raise ConfigurationError(
                f"{wanted.status} jobs can't be purged, only done, error and cancelled ones: cancel them first"
            )
        before = clock.now() - round(older_than * MICROSECONDS) if older_than else None
        number = self._interventions.purge(wanted, before)
        self._wake()
        return number

    # -- schedules and queues ------------------------------------------------------------------------------

    def run_now(self, name: str, *, anyway: bool = False) -> str:
        """Make a job of this schedule at once, its slots untouched; the job's uuid.

        Raises UnknownScheduleError; InvalidStateError while its last job is unfinished, unless the
        schedule may overlap itself or ``anyway``.
        """
        found = self._schedule_named(name)
        unfinished = self._interventions.unfinished_job_of(found.schedule.name)
        if unfinished is not None and not anyway and found.schedule.overlap != "allow":
            state = "still runs" if unfinished.status is Status.RUNNING else "waits already"
            raise InvalidStateError(
                f"job {unfinished.uuid} of {found.schedule.name} {state}, and the schedule doesn't overlap itself"
            )
        uuid = self._interventions.run_now(found.schedule, clock.now())
        self._wake()
        return uuid

    def _schedule_named(self, name: str) -> ScheduleReport:
        known = self.schedules()
        exact = [report for report in known if report.schedule.name == name]
        found = exact or [report for report in known if report.schedule.name.endswith(f".{name}")]
        if len(found) == 1:
            return found[0]
        names = ", ".join(report.schedule.name for report in found or known) or "there are none in this database"
        if found:
            raise UnknownScheduleError(f"{name!r} stands for several schedules; say which: {names}")
        raise UnknownScheduleError(f"there is no schedule {name!r}; schedules are: {names}")

    def pause(self, queue: str = "default") -> bool:
        """Start no more jobs of this queue; running ones go on. False when it was paused already."""
        changed = self._interventions.pause(_queue(queue))
        self._wake()
        return changed

    def resume(self, queue: str = "default") -> bool:
        """Start jobs of this queue again. False when it wasn't paused."""
        changed = self._interventions.resume(_queue(queue))
        self._wake()
        return changed

    # -- the database --------------------------------------------------------------------------------------

    def settings(self) -> Settings:
        return self._store.settings()

    def change_settings(self, changes: Mapping[str, Any]) -> Settings:
        """Store these settings and have the running system follow; None brings back a default.

        ``autocron_lock`` (True, False) is one of them. Raises ConfigurationError.
        """
        given = {name: value for name, value in changes.items() if value is not None}
        lock = given.pop("autocron_lock", None)
        checked = checked_settings(given)
        for name in changes:
            if changes[name] is None and name not in Settings._fields:
                raise ConfigurationError(f"there is no setting {name!r}: settings are {', '.join(Settings._fields)}")
        if lock is not None:
            checked["autocron_lock"] = bool(lock)
        self._store.change_settings({**checked, **{name: None for name, value in changes.items() if value is None}})
        self._wake()
        return self.settings()

    def backup(self, target: Path) -> int:
        """A consistent copy of the database in a new file, while everything runs. Its size in bytes."""
        return self._reports.backup(target)

    def delete(self) -> list[Path]:
        """Delete the database and what belongs to it; the files deleted.

        Raises InvalidStateError while a process is attached or supervises. The lock file stays: a process that has it
        open would hold locks that nobody else sees.
        """
        seen = self.processes()
        holders = [process.pid for process in (seen.supervisor, *seen.workers, *seen.attached) if process is not None]
        path = Path(self._store.database.path)
        if holders:
            pids = ", ".join(str(pid) if pid else "one in another container" for pid in dict.fromkeys(holders))
            raise InvalidStateError(f"{path} is in use (processes: {pids}); nothing was deleted. Stop the application first")
        self.close()
        files = [path, *(path.with_name(path.name + ending) for ending in ("-wal", "-shm", "-journal", "-wake"))]
        deleted = []
        try:
            for file in files:
                if file.exists():
                    file.unlink()
                    deleted.append(file)
        except OSError as error:
            raise StoreError(f"{error.filename} can't be deleted: {error.strerror}") from error
        return deleted

    def _wake(self) -> None:
        self.heard = self._wakeup.ring()


def _job_status(value: Status | str) -> Status:
    try:
        return Status(value)
    except ValueError:
        raise ConfigurationError(f"status={value!r} must be one of {', '.join(Status)}") from None


def _queue(value: str) -> str:
    if not value.strip():
        raise ConfigurationError(f'{value!r} is no queue; give its name, such as "mail"')
    return value


def _not_found(uuid: str) -> JobNotFoundError:
    return JobNotFoundError(f"there is no job {uuid}: its result has expired, or it was made in another database")
