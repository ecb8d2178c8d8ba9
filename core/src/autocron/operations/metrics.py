"""The state of everything as numbers for a monitoring system, and their text in Prometheus's exposition format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from autocron.clock import MICROSECONDS
from autocron.operations import machine
from autocron.operations.inquiries import Overview, ScheduleReport


@dataclass(frozen=True, slots=True)
class Metric:
    """A number, or one for each set of labels. ``kind``: gauge, or counter (it never goes back)."""

    name: str
    kind: str
    help: str
    samples: tuple[tuple[Mapping[str, str], float], ...]


def metrics(overview: Overview, schedules: Sequence[ScheduleReport]) -> list[Metric]:
    """All of them. Their names are documented in ``docs/command-line.md`` and don't change."""
    tally, seen, path = overview.tally, overview.processes, overview.database
    states = ("ready", "later", "held", "behind", "running", "done", "error", "cancelled")
    ends = {"done": tally.ever_done, "error": tally.ever_failed, "cancelled": tally.ever_cancelled}
    oldest = 0 if overview.oldest is None else overview.at - overview.oldest.run_at
    started = None if seen.supervisor is None else seen.supervisor.started_at
    found = [
        _one("autocron_healthy", "1 while jobs are being worked, as status --check sees it.", overview.jobs_are_worked),
        _one("autocron_supervisor_up", "1 while a supervisor runs.", seen.supervisor is not None),
        _one("autocron_workers", "Worker processes that live.", len(seen.workers)),
        _one("autocron_workers_wanted", "Worker processes that the settings ask for.", overview.workers_wanted),
        _one("autocron_attached_processes", "Processes that are attached.", len(seen.attached)),
        _each("autocron_jobs", "Jobs in the database now.", "state", {state: getattr(tally, state) for state in states}),
        _each(
            "autocron_jobs_finished_total", "Times that a job came to its end, expired ones too.", "status", ends, "counter"
        ),
        _one("autocron_oldest_ready_job_seconds", "How long the first of the jobs that could start has waited.", _s(oldest)),
        _each("autocron_queue_paused_jobs", "Jobs that wait in a paused queue.", "queue", overview.paused),
        _each("autocron_schedule_active", "1 while the schedule is fired.", "schedule", {
            report.schedule.name: report.active and not report.schedule.broken for report in schedules
        }),
        _each("autocron_schedule_next_run_timestamp_seconds", "The schedule's next slot.", "schedule", {
            report.schedule.name: _s(report.schedule.next_run_at) for report in schedules if report.schedule.next_run_at
        }),
        _each("autocron_schedule_last_run_timestamp_seconds", "The schedule's last slot that made a job.", "schedule", {
            report.schedule.name: _s(report.schedule.last_run_at) for report in schedules if report.schedule.last_run_at
        }),
        _one("autocron_database_bytes", "The size of the database's file.", path.stat().st_size),
        _one("autocron_disk_free_bytes", "What is free on its file system.", machine.free_bytes(path)),
    ]  # fmt: skip
    if started is not None:
        found.append(_one("autocron_supervisor_start_time_seconds", "When the supervisor started.", _s(started)))
    return found


def prometheus_text(found: Iterable[Metric]) -> str:
    """As Prometheus scrapes it: https://prometheus.io/docs/instrumenting/exposition_formats/ (text, version 0.0.4)."""
    lines = []
    for metric in found:
        lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
        for labels, value in metric.samples:
            inside = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
            lines.append(f"{metric.name}{{{inside}}} {value:.15g}" if inside else f"{metric.name} {value:.15g}")
    return "\n".join(lines) + "\n"


def _one(name: str, text: str, value: float) -> Metric:
    return Metric(name, "gauge", text, (({}, float(value)),))


def _each(name: str, text: str, label: str, values: Mapping[str, float], kind: str = "gauge") -> Metric:
    return Metric(name, kind, text, tuple(({label: key}, float(value)) for key, value in values.items()))


def _s(microseconds: int) -> float:
    return microseconds / MICROSECONDS


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
