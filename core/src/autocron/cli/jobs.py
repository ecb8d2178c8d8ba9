"""Commands about jobs: ``jobs``, ``show``, ``retry``, ``cancel``, ``purge``."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable

from autocron import clock
from autocron.cli.running import FINE, NOT_FINE, Context
from autocron.cli.shapes import details_shape, job_shape
from autocron.cli.terminal import Column, Terminal, confirm, harmless, one_line
from autocron.cli.words import call, duration, moment, progress, relative, times, value, zone_of
from autocron.errors import AutocronError, ConfigurationError
from autocron.model import Job, Status
from autocron.operations import Attempt, JobDetails

_COLUMNS = [
    Column("UUID"),
    Column("STATUS"),
    Column("WHEN"),
    Column("TRIES", right=True),
    Column("PROGRESS"),
    Column("QUEUE"),
    Column("TASK", shrinks="left"),
    Column("ERROR", shrinks="right"),
]


def jobs(context: Context) -> int:
    options = context.options
    found = context.operations.jobs(
        status=options.status, task=options.task, queue=options.queue, order=options.sort, limit=options.limit
    )
    show_jobs(context.terminal, found)
    return FINE


def show_jobs(terminal: Terminal, found: list[Job]) -> None:
    if terminal.as_json:
        terminal.json([job_shape(job) for job in found])
    elif found:
        now = clock.now()
        terminal.table(_COLUMNS, [_row(job, now) for job in found])
    elif terminal.is_terminal:
        terminal.line("no jobs")


def _row(job: Job, now: int) -> list[str]:
    queue = "" if job.queue == "default" else job.queue
    state = "held" if job.held else str(job.status)
    told = progress(job) if job.status is Status.RUNNING else ""
    return [job.uuid, state, _when(job, now), str(job.attempts), told, queue, job.task, one_line(job.error)]


def _when(job: Job, now: int) -> str:
    """The moment that matters in this state."""
    if job.status is Status.WAITING:
        return relative(job.run_at, now)
    if job.status is Status.RUNNING:
        return f"for {duration(now - (job.started_at or now))}"
    return relative(job.finished_at or now, now)


def show(context: Context) -> int:
    details = context.operations.show(context.options.uuid)
    terminal = context.terminal
    if terminal.as_json:
        terminal.json(details_shape(details))
        return FINE
    zone = zone_of(context.operations.settings())
    terminal.width = None  # here nothing is cut
    terminal.facts(_job_facts(terminal, details, zone))
    for attempt in details.attempts:
        _show_attempt(terminal, attempt, zone)
    if details.job.traceback and not any(attempt.traceback for attempt in details.attempts):
        terminal.line(harmless(details.job.traceback))
    return FINE


def _job_facts(terminal: Terminal, details: JobDetails, zone: dt.tzinfo | None) -> list[tuple[str, str]]:
    job, now = details.job, clock.now()
    state = terminal.paint(str(job.status), str(job.status))
    if job.held:
        state += ", held for newer code"
    if details.cancel_requested and job.status is Status.RUNNING:
        state += ", being cancelled"
    facts = [("job", job.uuid), ("call", call(job)), ("status", state), ("queue", job.queue)]
    if job.priority:
        facts.append(("priority", str(job.priority)))
    if job.schedule is not None:
        facts.append(("schedule", job.schedule))
    if details.unique_key is not None:
        facts.append(("unique", one_line(details.unique_key)))
    facts += [("option", f"{name} = {option!r}") for name, option in json.loads(details.policy).items()]
    facts.append(("created", f"{moment(job.created_at, zone)} ({relative(job.created_at, now)})"))
    if job.status is Status.WAITING:
        facts.append(("starts", f"{moment(job.run_at, zone)} ({relative(job.run_at, now)}) at the earliest"))
    if job.finished_at is not None:
        facts.append(("ended", f"{moment(job.finished_at, zone)} ({relative(job.finished_at, now)})"))
    if details.expires_at is not None:
        facts.append(("kept until", moment(details.expires_at, zone)))
    if job.result is not None:
        facts.append(("result", value(job.result)))
    if job.error:
        facts.append(("error", one_line(job.error)))
    if told := progress(job):
        facts.append(("progress", told))
    return facts


def _show_attempt(terminal: Terminal, attempt: Attempt, zone: dt.tzinfo | None) -> None:
    text = f"attempt {attempt.number}: {terminal.paint(attempt.outcome, attempt.outcome)}"
    if attempt.started_at is not None:
        end = attempt.finished_at if attempt.finished_at is not None else clock.now()
        text += f", began {moment(attempt.started_at, zone)}, {'took' if attempt.finished_at else 'runs for'} "
        text += duration(end - attempt.started_at)
    if attempt.worker:
        text += f", worker {attempt.worker}"
    terminal.line()
    terminal.line(text)
    if attempt.traceback:
        terminal.line(harmless(attempt.traceback.rstrip()))
    elif attempt.error:
        terminal.line(one_line(attempt.error))
    if attempt.lines:
        terminal.line(terminal.paint(f"log of attempt {attempt.number}:", "bold"))
        terminal.line(harmless(attempt.lines.rstrip("\n")))


def retry(context: Context) -> int:
    options, operations = context.options, context.operations
    if bool(options.uuids) == bool(options.all_failed):
        raise ConfigurationError("say which jobs: either uuids, as `jobs --status error` lists them, or --all-failed")
    if options.all_failed:
        retried, refused = operations.retry_failed(task=options.task, queue=options.queue)
        text = f"{times(retried, 'failed job')} will run again{context.unheard()}"
        if refused:
            text += f"; {refused} can't: another job with their unique key waits or runs"
        context.terminal.say({"retried": retried, "refused": refused}, text)
        return NOT_FINE if refused else FINE
    if options.task or options.queue:
        raise ConfigurationError("--task and --queue choose among --all-failed; a uuid needs no choice")
    return _each(context, "retried", lambda uuid: operations.retry(uuid), "will run again")


def cancel(context: Context) -> int:
    operations = context.operations

    def stop(uuid: str) -> str:
        return "is being ended" if operations.cancel(uuid) is Status.RUNNING else "is cancelled and will never start"

    return _each(context, "cancelled", stop, "")


def _each(context: Context, name: str, change: Callable[[str], str | None], said: str) -> int:
    """Change jobs one by one; what can't be changed is explained and doesn't keep the others from it."""
    done, refused = [], []
    for uuid in dict.fromkeys(context.options.uuids):
        try:
            text = change(uuid) or said
        except AutocronError as error:
            refused.append({"uuid": uuid, "reason": str(error)})
            if not context.terminal.as_json:
                context.terminal.line(str(error))
        else:
            done.append(uuid)
            if not context.terminal.as_json:
                context.terminal.line(f"job {uuid} {text}{context.unheard()}")
    if context.terminal.as_json:
        context.terminal.json({name: done, "refused": refused})
    return NOT_FINE if refused else FINE


def purge(context: Context) -> int:
    options = context.options
    what = f"finished jobs{f' in state {options.status}' if options.status else ''}"
    for given, words in ((options.task, "of the task"), (options.queue, "of the queue")):
        what += f" {words} {given}" if given else ""
    if options.older_than:
        what += f" that ended more than {duration(round(options.older_than * clock.MICROSECONDS))} ago"
    operations = context.operations
    question = f"Delete all {what} from {context.path}, with their results?"
    if not confirm(question, yes=options.yes, stop=f"this deletes all {what} from {context.path}"):
        context.terminal.say({"purged": 0}, "nothing was deleted")
        return NOT_FINE
    number = operations.purge(status=options.status, task=options.task, queue=options.queue, older_than=options.older_than)
    context.terminal.say({"purged": number}, f"{times(number, 'finished job')} deleted")
    return FINE
