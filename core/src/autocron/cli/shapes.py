"""The JSON of each command. Its names and types are documented in ``docs/command-line.md`` and don't change."""

from __future__ import annotations

import json
from typing import Any

from autocron.cli.words import iso, raw
from autocron.clock import MICROSECONDS
from autocron.model import Job, Settings
from autocron.operations import Attempt, Finding, JobDetails, Metric, Overview, ProcessReport, RunningJob, ScheduleReport


def job_shape(job: Job) -> dict[str, Any]:
    return {
        "uuid": job.uuid,
        "task": job.task,
        "status": str(job.status),
        "held": job.held,
        "queue": job.queue,
        "priority": job.priority,
        "attempts": job.attempts,
        "schedule": job.schedule,
        "created_at": iso(job.created_at),
        "run_at": iso(job.run_at),
        "started_at": iso(job.started_at),
        "finished_at": iso(job.finished_at),
        "error": job.error,
        "progress": raw(job.progress),
    }


def details_shape(details: JobDetails) -> dict[str, Any]:
    job = details.job
    call = raw(job.arguments)
    args, kwargs = call if isinstance(call, list) and len(call) == 2 else (call, {})
    return {
        **job_shape(job),
        "args": args,
        "kwargs": kwargs,
        "result": raw(job.result),
        "traceback": job.traceback,
        "unique_key": details.unique_key,
        "options": json.loads(details.policy),
        "supervisor": details.owner,
        "cancel_requested": details.cancel_requested,
        "expires_at": iso(details.expires_at),
        "history": [attempt_shape(attempt) for attempt in details.attempts],
    }


def attempt_shape(attempt: Attempt) -> dict[str, Any]:
    return {
        "attempt": attempt.number,
        "outcome": attempt.outcome,
        "started_at": iso(attempt.started_at),
        "finished_at": iso(attempt.finished_at),
        "worker": attempt.worker,
        "error": attempt.error,
        "traceback": attempt.traceback,
        "log": attempt.lines,
    }


def running_shape(running: RunningJob, now: int) -> dict[str, Any]:
    job = running.job
    seconds = max(0, now - (job.started_at or now)) / MICROSECONDS
    return {**job_shape(job), "worker": running.worker or None, "running_seconds": seconds}


def schedule_shape(report: ScheduleReport) -> dict[str, Any]:
    schedule, last = report.schedule, report.last_job
    return {
        "name": schedule.name,
        "task": schedule.task,
        "words": schedule.words,
        "active": report.active,
        "broken": schedule.broken,
        "next_run_at": iso(schedule.next_run_at),
        "last_run_at": iso(schedule.last_run_at),
        "queue": schedule.queue,
        "misfire": schedule.misfire,
        "grace": schedule.grace,
        "overlap": schedule.overlap,
        "jitter": schedule.jitter,
        "last_job": None if last is None else job_shape(last),
    }


def process_shape(process: ProcessReport) -> dict[str, Any]:
    return {"pid": process.pid or None, "started_at": iso(process.started_at), "stopped": process.stopped}


def overview_shape(overview: Overview) -> dict[str, Any]:
    tally, processes = overview.tally, overview.processes
    oldest = overview.oldest
    return {
        "database": str(overview.database),
        "host": overview.host,
        "at": iso(overview.at),
        "ok": overview.jobs_are_worked,
        "problems": list(overview.problems),
        "warnings": list(overview.warnings),
        "surroundings": [finding_shape(finding) for finding in overview.surroundings],
        "autocron_lock": overview.settings.autocron_lock,
        "supervisor": None if processes.supervisor is None else process_shape(processes.supervisor),
        "workers": [process_shape(process) for process in processes.workers],
        "workers_wanted": overview.workers_wanted,
        "attached": [process_shape(process) for process in processes.attached],
        "counts": {
            "waiting": tally.waiting,
            "ready": tally.ready,
            "later": tally.later,
            "held": tally.held,
            "behind": tally.behind,
            "running": tally.running,
            "done": tally.done,
            "error": tally.error,
            "cancelled": tally.cancelled,
        },
        "last_hour": {"done": tally.recently_done, "error": tally.recently_failed},
        "running": [running_shape(running, overview.at) for running in overview.running],
        "oldest_waiting": None
        if oldest is None
        else {**job_shape(oldest), "waiting_seconds": (overview.at - oldest.run_at) / MICROSECONDS},
        "held": [{"task": each.task, "jobs": each.number, "reason": each.reason} for each in overview.held],
        "paused": dict(overview.paused),
        "next": [schedule_shape(report) for report in overview.schedules],
    }


def settings_shape(settings: Settings, stored: dict[str, str]) -> list[dict[str, Any]]:
    defaults = Settings()
    return [
        {
            "name": name,
            "value": value,
            "default": getattr(defaults, name),
            "stored": name in stored,
        }
        for name, value in settings._asdict().items()
    ]


def metric_shape(metric: Metric) -> dict[str, Any]:
    samples = [{"labels": dict(labels), "value": value} for labels, value in metric.samples]
    return {"name": metric.name, "type": metric.kind, "help": metric.help, "samples": samples}


def finding_shape(finding: Finding) -> dict[str, Any]:
    return {"check": finding.check, "level": finding.level, "message": finding.message}
