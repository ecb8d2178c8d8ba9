"""What a store should do, in the simplest possible form: dictionaries in memory. The state machine compares with it."""

from __future__ import annotations

from dataclasses import dataclass, field

from store_kinds import CANCELLED_KEPT, job

from autocron.model import CANCELLED, DONE, ERROR, RUNNING, WAITING, Job, NewJob, Policy, Status

READY, FOR_LATER, HELD = "ready", "for later", "held"


@dataclass
class Row:
    uuid: str
    arrival: int
    new: NewJob
    run_at: int
    state: Status = WAITING
    readiness: str = READY
    application: int = 0
    attempt: int = 0
    failures: int = 0
    lost: int = 0
    company: int = 0
    owner: str | None = None
    cancel_requested: bool = False
    expires_at: int | None = None
    created_at: int = 0
    started_at: int | None = None
    finished_at: int | None = None
    result: str | None = None
    error: str = ""
    traceback: str = ""
    progress: str | None = None
    worker: int = 0

    @property
    def is_open(self) -> bool:
        return self.state in (WAITING, RUNNING)

    def as_job(self) -> Job:
        return Job(
            uuid=self.uuid,
            task=self.new.task,
            status=self.state,
            arguments=self.new.arguments,
            queue=self.new.queue,
            priority=self.new.priority,
            run_at=self.run_at,
            attempts=self.attempt,
            created_at=self.created_at,
            started_at=self.started_at,
            finished_at=self.finished_at,
            result=self.result,
            error=self.error,
            traceback=self.traceback,
            held=self.state is WAITING and self.readiness == HELD,
            progress=self.progress,
            worker=self.worker or None if self.finished_at is not None else None,
        )


@dataclass
class Ticket:
    """A claim that was given out once, whatever became of it."""

    uuid: str
    attempt: int
    owner: str


@dataclass
class Model:
    rows: dict[str, Row] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    arrivals: int = 0

    def with_key(self, key: str | None) -> Row | None:
        return next((row for row in self.rows.values() if key and row.new.unique_key == key and row.is_open), None)

    def add(self, new: NewJob, uuid: str, now: int) -> None:
        """A job that isn't there yet."""
        self.arrivals += 1
        later = new.run_at is not None and new.run_at > now
        self.rows[uuid] = Row(
            uuid,
            self.arrivals,
            new,
            run_at=new.run_at if later and new.run_at is not None else now,
            readiness=FOR_LATER if later else READY,
            application=new.application,
            created_at=now,
        )

    def in_state(self, state: Status, readiness: str | None = None) -> list[Row]:
        return [row for row in self.rows.values() if row.state is state and (readiness is None or row.readiness == readiness)]

    def promote(self, now: int) -> int:
        due = [row for row in self.in_state(WAITING, FOR_LATER) if row.run_at <= now]
        for row in due:
            row.readiness = READY
        return len(due)

    def ready(self, application: int, concurrent: bool, company: int = 0) -> list[Row]:
        return [
            row
            for row in self.in_state(WAITING, READY)
            if (row.application, row.new.concurrent) == (application, concurrent)
            and row.new.queue not in self.paused
            and (row.company >= company if company else row.company <= 0)
        ]

    def claim(self, application: int, limit: int, owner: str, now: int, concurrent: bool, company: int) -> list[Row]:
        found = self.ready(application, concurrent, company)
        found.sort(key=lambda row: (-row.new.priority, row.arrival))
        for row in found[:limit]:
            row.state, row.owner, row.started_at, row.cancel_requested = RUNNING, owner, now, False
            row.attempt += 1
            row.progress = None
        return found[:limit]

    def holder(self, ticket: Ticket) -> Row | None:
        """The job of a claim that still holds."""
        row = self.rows.get(ticket.uuid)
        holds = row is not None and row.state is RUNNING and (row.attempt, row.owner) == (ticket.attempt, ticket.owner)
        return row if holds else None

    def end(self, row: Row, state: Status, expires_at: int, now: int) -> None:
        row.state, row.owner, row.finished_at, row.expires_at = state, None, now, expires_at

    def wait_again(self, row: Row, readiness: str, now: int) -> None:
        row.readiness = readiness
        if row.cancel_requested:
            self.end(row, CANCELLED, now + CANCELLED_KEPT, now)
        else:
            row.state, row.owner = WAITING, None

    def count(self, row: Row, error: str, lost: bool) -> None:
        row.worker = 7
        row.error, row.traceback = error, "Traceback" if error else ""
        row.failures += not lost
        row.lost += lost

    # -- outcomes of an attempt that holds -----------------------------------------------------------------

    def finish(self, row: Row, expires_at: int, now: int) -> None:
        self.end(row, DONE, expires_at, now)
        row.worker = 7
        row.result, row.error, row.traceback = '"done"', "", ""

    def fail(self, row: Row, expires_at: int, now: int, lost: bool) -> None:
        self.count(row, "failed", lost)
        self.end(row, ERROR, expires_at, now)

    def retry_later(self, row: Row, run_at: int, now: int, lost: bool) -> None:
        self.count(row, "failed", lost)
        row.run_at = run_at
        self.wait_again(row, FOR_LATER if run_at > now else READY, now)

    def suspect(self, row: Row, company: int, now: int) -> None:
        row.worker, row.error, row.traceback, row.company = 7, "died", "", company
        self.wait_again(row, READY, now)

    def suspects(self) -> dict[int, bool]:
        found = [row for row in self.rows.values() if row.is_open and row.company > 0]
        ready = {
            row.application
            for row in found
            if row.state is WAITING and row.readiness == READY and row.new.queue not in self.paused
        }
        return {row.application: row.application in ready for row in found}

    def release(self, row: Row, now: int) -> None:
        row.started_at = None
        self.wait_again(row, READY, now)

    def give_back(self, row: Row, now: int) -> None:
        row.attempt -= 1
        self.release(row, now)

    def hold(self, row: Row, now: int) -> None:
        row.started_at, row.error = None, "held"
        self.wait_again(row, HELD, now)

    # -- what others ask for -------------------------------------------------------------------------------

    def cancel(self, row: Row, expires_at: int, now: int) -> Status:
        if row.state is WAITING:
            self.end(row, CANCELLED, expires_at, now)
        elif row.state is RUNNING:
            row.cancel_requested = True
        return row.state

    def retry(self, row: Row, now: int) -> Status:
        before = row.state
        if before in (ERROR, CANCELLED):
            row.state, row.readiness, row.run_at = WAITING, READY, now
            row.failures = row.lost = row.company = 0
            row.finished_at = row.expires_at = None
            row.cancel_requested = False
        return before

    def recover(self, owner: str, expires_at: int, now: int) -> int:
        orphans = [row for row in self.in_state(RUNNING) if row.owner != owner]
        for row in orphans:
            if Policy.from_json(row.new.policy).at_most_once:
                self.end(row, ERROR, expires_at, now)
                row.lost += 1
                row.error, row.traceback, row.worker = "?", "", 0
            else:
                self.release(row, now)
        return len(orphans)

    def attach(self, application: int) -> None:
        for row in self.in_state(WAITING, HELD):
            if row.application == application:
                row.readiness = READY

    def adopt(self, adopter: int, orphaned: int, known: set[str]) -> int:
        startable = [row for row in self.in_state(WAITING) if row.readiness in (READY, HELD)]
        moved = [row for row in startable if row.application == orphaned and row.new.task in known]
        for row in moved:
            row.application, row.readiness = adopter, READY
        return len(moved)

    def expired(self, now: int) -> set[str]:
        return {row.uuid for row in self.rows.values() if row.expires_at is not None and row.expires_at <= now}


def new_job(
    application: int,
    task: str,
    priority: int,
    queue: str,
    run_at: int | None,
    key: str | None,
    policy: str,
    concurrent: bool,
    context: str,
) -> NewJob:
    return job(
        application,
        task=task,
        priority=priority,
        queue=queue,
        run_at=run_at,
        unique_key=key,
        policy=policy,
        arguments="[]",
        concurrent=concurrent,
        context=context,
    )
