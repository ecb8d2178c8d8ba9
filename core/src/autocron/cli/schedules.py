"""Commands about schedules and queues: ``schedules``, ``run-now``, ``pause``, ``resume``."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from autocron import clock
from autocron.cli.running import FINE, Context
from autocron.cli.shapes import schedule_shape
from autocron.cli.terminal import Column, Terminal, one_line
from autocron.cli.words import relative, times
from autocron.errors import ConfigurationError
from autocron.operations import ScheduleReport

_COLUMNS = [
    Column("NAME", shrinks="left"),
    Column("NEXT"),
    Column("LAST"),
    Column("ENDED"),
    Column("QUEUE"),
    Column("IN WORDS", shrinks="right"),
    Column("BROKEN", shrinks="right"),
]


def schedules(context: Context) -> int:
    show_schedules(context.terminal, context.operations.schedules())
    return FINE


def show_schedules(terminal: Terminal, found: list[ScheduleReport]) -> None:
    if terminal.as_json:
        terminal.json([schedule_shape(report) for report in found])
    elif found:
        now = clock.now()
        terminal.table(_COLUMNS, [_row(report, now) for report in found])
    elif terminal.is_terminal:
        terminal.line("no schedules")


def _row(report: ScheduleReport, now: int) -> list[str]:
    schedule, last = report.schedule, report.last_job
    if schedule.next_run_at is None:
        upcoming = "never again"
    elif schedule.broken:
        upcoming = "broken"
    elif not report.active:
        upcoming = "not attached"
    elif schedule.next_run_at <= now:
        upcoming = "due now"
    else:
        upcoming = relative(schedule.next_run_at, now)
    ran = "never" if schedule.last_run_at is None else relative(schedule.last_run_at, now)
    queue = "" if schedule.queue == "default" else schedule.queue
    return [
        schedule.name,
        upcoming,
        ran,
        "" if last is None else str(last.status),
        queue,
        schedule.words,
        one_line(schedule.broken),
    ]


def run_now(context: Context) -> int:
    uuid = context.operations.run_now(context.options.name, anyway=context.options.anyway)
    task = context.operations.show(uuid).job.task
    context.terminal.say({"uuid": uuid, "task": task}, f"job {uuid} of {task} waits for a worker{context.unheard()}")
    return FINE


def pause(context: Context) -> int:
    operations = context.operations
    queues = _queues(context, operations.known_queues)
    changed = [queue for queue in queues if operations.pause(queue)]
    paused = operations.paused_queues()
    lines = [
        f"the queue {queue!r} {'is' if queue in changed else 'was'} paused"
        f"{'' if queue in changed else ' already'}; {times(paused.get(queue, 0), 'job')} waiting in it, running ones go on"
        for queue in queues
    ]
    others = [queue for queue in operations.known_queues() if queue not in paused]
    if others:
        lines.append(f"jobs of other queues still start: {', '.join(others)}")
    context.terminal.say({"queues": queues, "changed": changed, "paused": sorted(paused)}, *lines)
    return FINE


def resume(context: Context) -> int:
    operations = context.operations
    queues = _queues(context, operations.paused_queues)
    changed = [queue for queue in queues if operations.resume(queue)]
    lines = [
        f"jobs of the queue {queue!r} start again{context.unheard()}"
        if queue in changed
        else f"the queue {queue!r} wasn't paused"
        for queue in queues
    ]
    context.terminal.say(
        {"queues": queues, "changed": changed, "paused": sorted(operations.paused_queues())},
        *(lines or ["no queue was paused"]),
    )
    return FINE


def _queues(context: Context, every: Callable[[], Iterable[str]]) -> list[str]:
    options = context.options
    if options.all and options.queue is not None:
        raise ConfigurationError(f"say either --all or the queue {options.queue!r}, not both")
    return list(every()) if options.all else [options.queue or "default"]
