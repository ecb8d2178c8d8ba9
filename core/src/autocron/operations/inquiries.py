"""Questions about the whole system, put together from the store, the kernel's locks and /proc."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autocron import clock, locations
from autocron.clock import MICROSECONDS
from autocron.model import Application, Job, ScheduledTask, Settings, Status
from autocron.operations.system import ProcessReport, process
from autocron.processes.locks import LockFile
from autocron.store import SqliteStore
from autocron.store.reports import Filter, HeldTask, Reports, Tally

RECENTLY = 3600 * MICROSECONDS
PATIENCE = 60 * MICROSECONDS
"""How long a job may wait for a worker while nothing runs, before that counts as not being worked."""

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Processes:
    """Who holds the kernel's locks beside the database.

    ``applications`` are the ids of those that are served: the attached ones; with none, a supervisor in the foreground
    serves the one that attached last.
    """

    supervisor: ProcessReport | None
    workers: tuple[ProcessReport, ...]
    attached: tuple[ProcessReport, ...]
    applications: frozenset[int]


@dataclass(frozen=True, slots=True)
class ScheduleReport:
    """A schedule; ``active`` when its application is attached, so that its slots are fired."""

    schedule: ScheduledTask
    active: bool
    last_job: Job | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of everything. ``problems`` say why jobs aren't being worked; there are none when they are."""

    database: Path
    at: int
    settings: Settings
    processes: Processes
    tally: Tally
    running: tuple[Job, ...]
    oldest: Job | None
    held: tuple[HeldTask, ...]
    paused: Mapping[str, int]
    schedules: tuple[ScheduleReport, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def jobs_are_worked(self) -> bool:
        return not self.problems


def processes(database: Path, applications: list[Application]) -> Processes:
    """Nothing is made: a lock file of another user's would keep the application out."""
    path = locations.lock_path(database)
    if not path.exists():
        return Processes(None, (), (), frozenset())
    locks = LockFile.open(path)
    supervisor, workers = locks.supervisor_pid(), locks.worker_pids()
    served = [each.id for each in applications if locks.an_attached_pid(each.id) is not None]
    if supervisor is not None and workers and not served and applications:
        served = [max(applications, key=lambda each: each.attached_at).id]
    return Processes(
        None if supervisor is None else process(supervisor),
        tuple(process(pid) for pid in workers),
        tuple(process(pid) for pid in dict.fromkeys(locks.attached_pids())),
        frozenset(served),
    )


def schedules(store: SqliteStore, applications: list[Application], attached: frozenset[int]) -> list[ScheduleReport]:
    """Each schedule once: as the attached application knows it that came last, else as the one that was here last."""
    ranks = {each.id: (each.id in attached, each.attached_at) for each in applications}
    best: dict[str, ScheduledTask] = {}
    for schedule in store.schedules():
        known = best.get(schedule.name)
        if known is None or ranks[schedule.application] > ranks[known.application]:
            best[schedule.name] = schedule
    return [ScheduleReport(each, each.application in attached) for _, each in sorted(best.items())]


def status(store: SqliteStore, reports: Reports) -> Overview:
    """One look at everything."""
    now = clock.now()
    settings, applications = store.settings(), store.applications()
    seen = processes(store.database.path, applications)
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
    return Overview(
        database=store.database.path,
        at=now,
        settings=settings,
        processes=seen,
        tally=tally,
        running=tuple(reports.search(Filter(Status.RUNNING), order="longest", limit=_SHOWN, now=now)),
        oldest=oldest,
        held=held,
        paused=reports.paused_queues(),
        schedules=tuple(upcoming[:_SHOWN]),
        problems=tuple(_problems(settings, seen, tally, oldest, ready, now)),
        warnings=tuple(_warnings(seen, ready, held, scheduled)),
    )


def _problems(
    settings: Settings, seen: Processes, tally: Tally, oldest: Job | None, ready: Mapping[int, int], now: int
) -> list[str]:
    """Why jobs aren't being worked."""
    problems = []
    if settings.autocron_lock:
        problems.append("autocron is switched off by its lock; `--set-autocron-lock off` switches it on")
    if seen.supervisor is None:
        if not settings.autocron_lock:
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


def _warnings(
    seen: Processes, ready: Mapping[int, int], held: tuple[HeldTask, ...], scheduled: list[ScheduleReport]
) -> list[str]:
    warnings = []
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
