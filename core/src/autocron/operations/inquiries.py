"""Questions about the whole system, put together from the store, the kernel's locks and /proc."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from autocron import clock, locations
from autocron.clock import MICROSECONDS
from autocron.model import Application, Job, ScheduledTask, Settings, Status
from autocron.operations import machine
from autocron.operations.system import Finding, ProcessReport, process
from autocron.processes.locks import LockFile
from autocron.processes.wakeup import WakeUpWriter
from autocron.store import SqliteStore
from autocron.store.reports import Attempt, Filter, HeldTask, JobDetails, Reports, Tally
from autocron.store.rows import key_of

RECENTLY = 3600 * MICROSECONDS
PATIENCE = 60 * MICROSECONDS
"""How long a job may wait for a worker while nothing runs, before that counts as not being worked."""

REACTION_SECONDS = 5.0
"""How long a supervisor may take to notice a ring. It takes milliseconds, unless it hangs or can't write."""

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Processes:
    """Who holds the kernel's locks beside the database, on this host.

    ``applications`` are the ids of those that are served: the attached ones; with none, a supervisor in the foreground
    serves the one that attached last.
    """

    supervisor: ProcessReport | None
    workers: tuple[ProcessReport, ...]
    attached: tuple[ProcessReport, ...]
    applications: frozenset[int]


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A job that runs. ``worker`` is its process id: 0 in another container, None where no worker says so (yet)."""

    job: Job
    worker: int | None


@dataclass(frozen=True, slots=True)
class ScheduleReport:
    """A schedule; ``active`` when its application is attached, so that its slots are fired."""

    schedule: ScheduledTask
    active: bool
    last_job: Job | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of everything. ``problems`` say why jobs aren't being worked; there are none when they are.

    ``surroundings`` are findings of the doctor that are quick to make, without those that are fine.
    """

    database: Path
    host: str
    at: int
    settings: Settings
    processes: Processes
    tally: Tally
    running: tuple[RunningJob, ...]
    oldest: Job | None
    held: tuple[HeldTask, ...]
    paused: Mapping[str, int]
    schedules: tuple[ScheduleReport, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    surroundings: tuple[Finding, ...]

    @property
    def jobs_are_worked(self) -> bool:
        return not self.problems

    @property
    def workers_wanted(self) -> int:
        """How many worker processes the settings ask for: so many for each application that is served."""
        return self.settings.workers * len(self.processes.applications)


def processes(database: Path, applications: list[Application], own: int | None) -> Processes:
    """Nothing is made: a lock file of another user's would keep the application out.

    ``own`` is the application that this very process is attached for: the kernel names only locks of others.
    """
    path = Path(locations.lock_path(database))
    if not path.exists():
        return Processes(None, (), (), frozenset())
    locks = LockFile.open(path)
    supervisor, workers = locks.supervisor_pid(), locks.worker_pids()
    attached = [*([] if own is None else [os.getpid()]), *locks.attached_pids()]
    served = [each.id for each in applications if each.id == own or locks.an_attached_pid(each.id) is not None]
    if supervisor is not None and workers and not served and applications:
        served = [max(applications, key=lambda each: each.attached_at).id]
    return Processes(
        None if supervisor is None else process(supervisor),
        tuple(process(pid) for pid in workers),
        tuple(process(pid) for pid in dict.fromkeys(attached)),
        frozenset(served),
    )


def worker_of(database: Path, uuid: str) -> int | None:
    """The process that runs this job, as its lock says."""
    path = Path(locations.lock_path(database))
    return LockFile.open(path).worker_of(key_of(uuid)["id"]) if path.exists() else None


def details(store: SqliteStore, reports: Reports, uuid: str) -> JobDetails | None:
    """Everything about one job, the worker that runs it included."""
    found = reports.details(uuid)
    if found is None or found.job.status is not Status.RUNNING:
        return found
    *ended, last = found.attempts
    running: Attempt = replace(last, worker=worker_of(Path(store.database.path), uuid) or None)
    return replace(found, attempts=(*ended, running))


def schedules(store: SqliteStore, applications: list[Application], attached: frozenset[int]) -> list[ScheduleReport]:
    """Each schedule once: as the attached application knows it that came last, else as the one that was here last."""
    ranks = {each.id: (each.id in attached, each.attached_at) for each in applications}
    best: dict[str, ScheduledTask] = {}
    for schedule in store.schedules():
        known = best.get(schedule.name)
        if known is None or ranks[schedule.application] > ranks[known.application]:
            best[schedule.name] = schedule
    return [ScheduleReport(each, each.application in attached) for _, each in sorted(best.items())]


def status(store: SqliteStore, reports: Reports, wakeup: WakeUpWriter, own: int | None) -> Overview:
    """One look at everything."""
    path, now = Path(store.database.path), clock.now()
    settings, applications = store.settings(), store.applications()
    seen = processes(path, applications, own)
    scheduled = schedules(store, applications, seen.applications)
    upcoming = sorted(
        (
            report
            for report in scheduled
            if report.active and report.schedule.next_run_at is not None and not report.schedule.broken
        ),
        key=lambda report: report.schedule.next_run_at or 0,
    )
    tally, oldest = reports.tally(now - RECENTLY), reports.oldest_ready()
    ready = reports.ready_by_application()
    held = tuple(reports.held_tasks())
    running = reports.search(Filter(Status.RUNNING), order="longest", limit=_SHOWN, now=now)
    problems = [*_problems(settings, seen, tally, oldest, ready, now), *_unresponsive(seen, wakeup), *_overdue(upcoming, now)]
    return Overview(
        database=path,
        host=socket.gethostname(),
        at=now,
        settings=settings,
        processes=seen,
        tally=tally,
        running=tuple(RunningJob(job, worker_of(path, job.uuid)) for job in running),
        oldest=oldest,
        held=held,
        paused=reports.paused_queues(),
        schedules=tuple(upcoming[:_SHOWN]),
        problems=tuple(problems),
        warnings=tuple(_warnings(settings, seen, ready, held, scheduled)),
        surroundings=tuple(each for each in machine.surroundings(path) if each.level in ("warning", "problem")),
    )


def _problems(
    settings: Settings, seen: Processes, tally: Tally, oldest: Job | None, ready: Mapping[int, int], now: int
) -> list[str]:
    """Why jobs aren't being worked."""
    problems = []
    if settings.autocron_lock:
        problems.append("autocron is switched off by its lock; `--set-autocron-lock off` switches it on")
    if seen.supervisor is None:
        if seen.attached and not settings.autocron_lock:
            problems.append(
                "no supervisor runs, though processes are attached: they start one within a second, or leave it to the command "
                "`supervise` (AUTOCRON_SUPERVISOR=external)"
            )
        elif not settings.autocron_lock:
            problems.append("no supervisor runs: no process that called start() lives, and no `supervise` command")
        return problems
    if seen.supervisor.stopped:
        problems.append(f"the supervisor, process {seen.supervisor.pid}, is stopped: `kill -CONT {seen.supervisor.pid}`")
    if not seen.applications:
        problems.append("no application is attached: the supervisor has none to start workers for")
    elif not seen.workers:
        problems.append("no worker lives: see the log of the supervisor, or try again in a moment if it has just started")
    if seen.workers and all(worker.stopped for worker in seen.workers):
        problems.append("all workers are stopped (SIGSTOP)")
    waits_here = any(ready.get(application) for application in seen.applications)
    if waits_here and not tally.running and oldest is not None and now - oldest.run_at > PATIENCE:
        problems.append(
            f"jobs have been ready for {(now - oldest.run_at) // MICROSECONDS} s, and none runs: see the log of the "
            "supervisor (workers that can't import the application?)"
        )
    return problems


def _unresponsive(seen: Processes, wakeup: WakeUpWriter) -> list[str]:
    """A supervisor that lives and doesn't move works nothing. Whether it moves is seen by its answer to a ring."""
    if seen.supervisor is None or seen.supervisor.stopped or wakeup.is_heard(REACTION_SECONDS):
        return []
    pid = seen.supervisor.pid
    if not wakeup.connect():
        return [f"the supervisor, process {pid}, doesn't listen: it has just started, or is about to end"]
    problem = f"the supervisor, process {pid}, hasn't reacted for {REACTION_SECONDS:g} s: it hangs, or another program blocks "
    problem += f"the database (`doctor` names it); if it hangs, `kill -9 {pid}` ends it, and attached processes start another"
    return [problem]


def _overdue(upcoming: list[ScheduleReport], now: int) -> list[str]:
    late = [report.schedule for report in upcoming if now - (report.schedule.next_run_at or now) > PATIENCE]
    return [
        f"{each.name} has been due for {(now - (each.next_run_at or now)) // MICROSECONDS} s and wasn't fired: see the log of "
        "the supervisor"
        for each in late
    ]


def _warnings(
    settings: Settings, seen: Processes, ready: Mapping[int, int], held: tuple[HeldTask, ...], scheduled: list[ScheduleReport]
) -> list[str]:
    warnings = []
    missing = settings.workers * len(seen.applications) - len(seen.workers)
    if missing > 0 and seen.workers:
        warnings.append(f"{missing} of the workers that the settings ask for don't live: see the log of the supervisor")
    stopped = [str(worker.pid) for worker in seen.workers if worker.stopped]
    if stopped and len(stopped) < len(seen.workers):
        warnings.append(f"workers are stopped (SIGSTOP): {', '.join(stopped)}; their jobs stand still")
    elsewhere = sum(number for application, number in ready.items() if application not in seen.applications)
    if elsewhere and seen.supervisor is not None:
        warnings.append(f"{elsewhere} ready jobs belong to an application that isn't attached; they wait for it")
    if held:
        number = sum(each.number for each in held)
        warnings.append(f"{number} jobs wait for newer code: the running one doesn't know their tasks")
    broken = [report.schedule for report in scheduled if report.active and report.schedule.broken]
    warnings += [f"{each.name} doesn't fire: {each.broken}" for each in broken]
    asleep = sum(not report.active for report in scheduled)
    if asleep and seen.applications:
        warnings.append(f"{asleep} schedules belong to an application that isn't attached; they don't fire")
    return warnings
