"""What an operator asks and does, as methods of ``Autocron``: the command line prints the same."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from autocron.errors import InvalidStateError, NotStartedError
from autocron.results import JobSource, TaskResult

if TYPE_CHECKING:
    from pathlib import Path

    from autocron.attachment import Attachment
    from autocron.model import Job, Status
    from autocron.operations import Finding, JobDetails, Operations, Overview, ScheduleReport


class Operating(ABC):
    """Questions to the database and changes in it, which act at once on the running system.

    All raise NotStartedError before ``start``, InvalidStateError where autocron is inactive (under pytest, with
    ``AUTOCRON_DISABLE=1``, switched off), for there is no database then, and StoreError when it can't be used.
    """

    _attachment: Attachment | None

    @abstractmethod
    def engine(self) -> JobSource:
        """What runs the calls of this instance's tasks."""

    # -- questions -----------------------------------------------------------------------------------------

    def status(self) -> Overview:
        """Is it running, what does it do, what is stuck."""
        with self._operations() as operations:
            return operations.status()

    def jobs(
        self,
        *,
        status: Status | str | None = None,
        task: str | None = None,
        queue: str | None = None,
        order: str = "newest",
        limit: int = 50,
    ) -> list[Job]:
        """Jobs as they are now. ``order``: newest, oldest, next (earliest start), finished, longest. ``limit`` -1: all.

        A ``task`` without dots stands for that function in any module.
        """
        with self._operations() as operations:
            return operations.jobs(status=status, task=task, queue=queue, order=order, limit=limit)

    def show(self, uuid: str) -> JobDetails:
        """Everything about one job: its attempts, their tracebacks and log lines. Raises JobNotFoundError."""
        with self._operations() as operations:
            return operations.show(uuid)

    def schedules(self) -> list[ScheduleReport]:
        """All schedules in words, with next and last run and the last job, by name."""
        with self._operations() as operations:
            return operations.schedules()

    def doctor(self) -> list[Finding]:
        """Everything that is known to go wrong, looked at; reads the whole file."""
        with self._operations() as operations:
            return operations.check_up()

    def metrics(self) -> str:
        """The state of everything as numbers, in Prometheus's text format: what a page ``/metrics`` answers."""
        from autocron.operations import prometheus_text

        with self._operations() as operations:
            return prometheus_text(operations.metrics())

    # -- changes -------------------------------------------------------------------------------------------

    def retry(self, uuid: str) -> None:
        """Run a job again that failed or was cancelled. Raises JobNotFoundError, InvalidStateError."""
        with self._operations() as operations:
            operations.retry(uuid)

    def retry_failed(self, *, task: str | None = None, queue: str | None = None) -> tuple[int, int]:
        """Run all failed jobs again: how many, and how many can't because another with their unique key waits or runs."""
        with self._operations() as operations:
            return operations.retry_failed(task=task, queue=queue)

    def cancel(self, uuid: str) -> Status:
        """CANCELLED: the job will never start. RUNNING: its attempt is being ended.

        Raises JobNotFoundError, InvalidStateError when it had come to its end before.
        """
        with self._operations() as operations:
            return operations.cancel(uuid)

    def run_now(self, name: str, *, anyway: bool = False) -> TaskResult[Any]:
        """Make a job of this schedule at once, its times untouched; the job's handle. The name's end may do.

        Raises UnknownScheduleError; InvalidStateError while its last job is unfinished, unless the schedule may overlap
        itself or ``anyway``.
        """
        with self._operations() as operations:
            return TaskResult(self.engine(), operations.run_now(name, anyway=anyway))

    def pause(self, queue: str = "default") -> bool:
        """Start no more jobs of this queue; running ones go on. False when it was paused already."""
        with self._operations() as operations:
            return operations.pause(queue)

    def resume(self, queue: str = "default") -> bool:
        """Start jobs of this queue again. False when it wasn't paused."""
        with self._operations() as operations:
            return operations.resume(queue)

    def purge(
        self, *, status: Status | str | None = None, task: str | None = None, queue: str | None = None, older_than: float = 0
    ) -> int:
        """Delete finished jobs (that ended ``older_than`` seconds ago or more), their results and tracebacks. How many."""
        with self._operations() as operations:
            return operations.purge(status=status, task=task, queue=queue, older_than=older_than)

    def backup(self, target: Path) -> int:
        """A consistent copy of the database in a new file, while everything runs. Its size in bytes."""
        with self._operations() as operations:
            return operations.backup(target)

    @contextlib.contextmanager
    def _operations(self) -> Iterator[Operations]:
        from pathlib import Path

        from autocron.operations import Operations  # only who asks pays for it
        from autocron.store import SqliteStore

        self.engine()
        attachment = self._attachment
        if attachment is None:
            raise InvalidStateError(
                "autocron is inactive in this process (a test run, AUTOCRON_DISABLE, or its lock is set): calls run in the "
                "caller, and there is no database to look into"
            )
        if not isinstance(attachment.store, SqliteStore):
            raise NotStartedError(f"{attachment.database} is kept by a store that has no operations")
        operations = Operations(Path(attachment.database), attachment.store, attached=attachment.application)
        try:
            yield operations
            if not operations.heard:
                attachment.wake()  # a supervisor that has died is started again, as by a call
        finally:
            operations.close()
