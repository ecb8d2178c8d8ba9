"""``status``: one screen that says whether jobs are being worked."""

from __future__ import annotations

from collections.abc import Sequence

from autocron.cli.running import FINE, NOT_FINE, Context
from autocron.cli.shapes import overview_shape
from autocron.cli.terminal import Terminal, one_line
from autocron.cli.words import call, duration, moment, progress, relative, times, zone_of
from autocron.operations import Overview, ProcessReport

_RUNNING_SHOWN, _NEXT_SHOWN, _PIDS_SHOWN = 8, 5, 12


def status(context: Context) -> int:
    """The exit status tells only with --check whether jobs are being worked."""
    overview = context.operations.status()
    terminal = context.terminal
    checks = bool(getattr(context.options, "check", False))
    if terminal.as_json:
        terminal.json(overview_shape(overview))
    elif checks:
        for text in overview.problems or ["ok: jobs are being worked"]:
            terminal.line(text)
    else:
        show_overview(terminal, overview)
    return NOT_FINE if checks and not overview.jobs_are_worked else FINE


def show_overview(terminal: Terminal, overview: Overview) -> None:
    """All of it, most important first; about one screen."""
    paint, now = terminal.paint, overview.at
    facts = [("database", str(overview.database)), *_process_facts(terminal, overview)]
    facts += [("problem", paint(problem, "red")) for problem in overview.problems]
    facts += [("warning", paint(warning, "yellow")) for warning in overview.warnings]
    facts += [(each.level, paint(each.message, each.level)) for each in overview.surroundings]
    facts += [("jobs", _counts(terminal, overview)), ("last hour", _last_hour(terminal, overview))]
    oldest = overview.oldest
    if oldest is not None:
        facts.append(("oldest", f"ready for {duration(now - oldest.run_at)}: {oldest.task}  {oldest.uuid}"))
    for number, running in enumerate(overview.running[:_RUNNING_SHOWN]):
        job = running.job
        text = f"{duration(now - (job.started_at or now))}: {call(job, 60)}"
        text += f"  {told}" if (told := progress(job)) else ""
        text += f"  worker {running.worker}" if running.worker else ""
        text += f"  attempt {job.attempts}  {job.uuid}"
        facts.append(("running" if not number else "", text))
    if (more := overview.tally.running - _RUNNING_SHOWN) > 0:
        facts.append(("", f"and {more} more"))
    for number, held in enumerate(overview.held):
        facts.append(("held" if not number else "", f"{held.task}: {times(held.number, 'job')}: {one_line(held.reason)}"))
    if overview.paused:
        queues = (f"{queue} ({times(number, 'job')} waiting)" for queue, number in overview.paused.items())
        facts.append(("paused", ", ".join(queues)))
    zone = zone_of(overview.settings)
    for number, report in enumerate(overview.schedules[:_NEXT_SHOWN]):
        at = report.schedule.next_run_at or now
        due = "due now" if at <= now else relative(at, now)
        facts.append(("next" if not number else "", f"{due}: {report.schedule.name}  {moment(at, zone)}"))
    terminal.facts(facts)


def _process_facts(terminal: Terminal, overview: Overview) -> list[tuple[str, str]]:
    seen, zone = overview.processes, zone_of(overview.settings)
    if seen.supervisor is None:
        state = terminal.paint("not running", "red")
    else:
        started = seen.supervisor.started_at
        since = f" since {moment(started, zone)} ({duration(overview.at - started)})" if started is not None else ""
        state = terminal.paint("running", "green") + since + f", supervisor {_pids([seen.supervisor])} on {overview.host}"
    return [
        ("autocron", state),
        ("workers", f"{len(seen.workers)} of {overview.workers_wanted}: {_pids(seen.workers)}".rstrip(": ")),
        ("attached", f"{times(len(seen.attached), 'process', 'processes')}: {_pids(seen.attached)}".rstrip(": ")),
    ]


def _pids(processes: Sequence[ProcessReport]) -> str:
    shown = [
        ("in another container" if not each.pid else str(each.pid)) + (" (stopped)" if each.stopped else "")
        for each in processes[:_PIDS_SHOWN]
    ]
    more = len(processes) - _PIDS_SHOWN
    return " ".join(shown) + (f" and {more} more" if more > 0 else "")


def _counts(terminal: Terminal, overview: Overview) -> str:
    tally = overview.tally
    waiting = f"{tally.waiting} waiting"
    parts = [
        f"{number} {what}"
        for number, what in ((tally.later, "later"), (tally.held, "held"), (tally.behind, "behind"))
        if number
    ]
    if parts:
        waiting += f" ({', '.join(parts)})"
    failed = f"{tally.error} error"
    counts = [waiting, f"{tally.running} running", f"{tally.done} done"]
    counts += [terminal.paint(failed, "red") if tally.error else failed, f"{tally.cancelled} cancelled"]
    return ", ".join(counts)


def _last_hour(terminal: Terminal, overview: Overview) -> str:
    tally = overview.tally
    failed = f"{tally.recently_failed} failed"
    pace = tally.recently_done + tally.recently_failed
    return f"{tally.recently_done} done, {terminal.paint(failed, 'red') if tally.recently_failed else failed}, {_pace(pace)}"


def _pace(jobs_an_hour: int) -> str:
    if jobs_an_hour >= 7200:
        return f"{jobs_an_hour / 3600:.0f} jobs a second"
    return f"{jobs_an_hour / 60:.0f} jobs a minute" if jobs_an_hour >= 120 else f"{times(jobs_an_hour, 'job')} an hour"
