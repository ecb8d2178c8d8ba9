"""The flags that autocron has always had: ``-i``, ``-t``, ``-r``, ``--set-…``, ``--delete-database``."""

from __future__ import annotations

from typing import Any

from autocron.cli.database import show_settings
from autocron.cli.jobs import show_jobs
from autocron.cli.running import FINE, NOT_FINE, Context
from autocron.cli.schedules import show_schedules
from autocron.cli.shapes import job_shape, overview_shape, schedule_shape, settings_shape
from autocron.cli.status import show_overview, status
from autocron.cli.terminal import confirm
from autocron.cli.words import times
from autocron.errors import ConfigurationError
from autocron.model import Settings, Status
from autocron.operations import Operations

_PURPOSELESS = {
    "set_worker_idle_time": "workers wait on a pipe and start a job at once; there is no idle time to set",
    "set_monitor_idle_time": "the supervisor is woken when there is something to do; there is no idle time to set",
    "set_blocking_mode": "a call returns at once, always; to run tasks in the caller use --set-autocron-lock on",
    "set_monitor_lock": "the kernel keeps the supervisor's lock and frees it with the process; there is no flag to set",
}
_LISTED = 50


def flags(context: Context) -> int:
    """Changes first, then what is to be shown; without any flag, the status."""
    options = context.options
    ignored = [
        f"--{name.replace('_', '-')} has no effect any more: {reason}"
        for name, reason in _PURPOSELESS.items()
        if getattr(options, name) is not None
    ]
    changes = _changes(context)
    shown = [name for name in ("info", "tasks", "results") if getattr(options, name)]
    if options.delete_database:
        if changes or shown:
            raise ConfigurationError("--delete-database leaves nothing to show or to set: give it alone")
        return _delete(context)
    if not (changes or ignored or shown):
        return status(context)
    if options.set_autocron_lock is not None and not context.path.exists():
        _make_database(context)
    said = [*ignored]
    if changes:
        settings = context.operations.change_settings(changes)
        said = [*_described(changes, settings, context), *ignored]
    else:
        _ = context.operations  # a database that isn't there is an error even for a flag without effect
    if context.terminal.as_json:
        stored = context.operations.stored_settings()
        settings_now = settings_shape(context.operations.settings(), stored)
        shown_as_json = {name: _as_json(name, context.operations) for name in shown}
        context.terminal.json({"settings": settings_now, "notes": said, **shown_as_json})
    else:
        for line in said:
            context.terminal.line(line)
        for name in shown:
            _show(name, context)
    return FINE


def _changes(context: Context) -> dict[str, Any]:
    options = context.options
    changes: dict[str, Any] = {}
    if options.set_defaults:
        changes.update(dict.fromkeys(Settings._fields))
    given = {
        "workers": options.set_max_workers,
        "result_ttl": options.set_result_ttl,
        "autocron_lock": options.set_autocron_lock,
    }
    return changes | {name: value for name, value in given.items() if value is not None}


def _described(changes: dict[str, Any], settings: Settings, context: Context) -> list[str]:
    lines = []
    if any(value is None for value in changes.values()):
        lines.append("the settings are back at their defaults")
    if changes.get("workers") is not None:
        lines.append(f"each application gets {times(settings.workers, 'worker')}{context.unheard()}")
    if changes.get("result_ttl") is not None:
        lines.append(f"results of jobs that end from now on are kept for {settings.result_ttl:g} s")
    if changes.get("autocron_lock") is True:
        lines.append(
            "autocron is switched off: what runs ends, nothing starts, calls in processes started from now on run in the caller"
        )
    elif changes.get("autocron_lock") is False:
        lines.append("autocron is switched on: processes that call start() from now on start it, waiting ones within 30 s")
    return lines


def _make_database(context: Context) -> None:
    """The lock may be set before the application has ever been started; nothing else makes a database."""
    from autocron import locations
    from autocron.operations import make_database

    path = locations.database_path(context.options.database, make_folder=True)
    make_database(path)
    if not context.terminal.as_json:
        context.terminal.line(f"made the database {path}")


def _show(name: str, context: Context) -> None:
    terminal, operations = context.terminal, context.operations
    terminal.line(terminal.paint(f"{name}:", "bold"))
    if name == "info":
        show_overview(terminal, operations.status())
        show_settings(terminal, operations)
    elif name == "tasks":
        show_schedules(terminal, operations.schedules())
        show_jobs(terminal, operations.jobs(status=Status.RUNNING, limit=_LISTED))
        show_jobs(terminal, operations.jobs(status=Status.WAITING, order="next", limit=_LISTED))
    else:
        show_jobs(terminal, operations.results(_LISTED))


def _as_json(name: str, operations: Operations) -> Any:
    if name == "info":
        return overview_shape(operations.status())
    if name == "tasks":
        unfinished = [
            *operations.jobs(status=Status.RUNNING, limit=_LISTED),
            *operations.jobs(status=Status.WAITING, order="next", limit=_LISTED),
        ]
        return {
            "schedules": [schedule_shape(report) for report in operations.schedules()],
            "jobs": [job_shape(job) for job in unfinished],
        }
    return [job_shape(job) for job in operations.results(_LISTED)]


def _delete(context: Context) -> int:
    operations = context.operations
    tally = operations.status().tally
    content = f"{times(tally.waiting, 'waiting job')} and {times(tally.done + tally.error + tally.cancelled, 'result')}"
    stop = f"this deletes {context.path} with {content}"
    if not confirm(f"Delete {context.path} with {content}?", yes=context.options.yes, stop=stop):
        context.terminal.say({"deleted": []}, "nothing was deleted")
        return NOT_FINE
    deleted = operations.delete()
    context.terminal.say({"deleted": [str(file) for file in deleted]}, *(f"deleted {file}" for file in deleted))
    return FINE
