"""Background jobs and cron for web applications: a SQLite file is the queue, worker processes run beside the app.

    import autocron

    autocron.start("project.db")

    @autocron.delay
    def send_mail(address, message): ...

    @autocron.cron("* 2 * * *")  # every day at 2 am
    def cleanup(): ...

Importing it opens no file, starts no thread and spawns nothing.
"""

from typing import TYPE_CHECKING

from autocron.app import Autocron, default
from autocron.current import CurrentJob, current_job
from autocron.errors import (
    AutocronError,
    AutocronWarning,
    ClaimLostError,
    ConfigurationError,
    DecodingError,
    EncodingError,
    ForeignDatabaseError,
    InvalidStateError,
    JobNotFoundError,
    NotStartedError,
    ScheduleError,
    StoreBusyError,
    StoreError,
    TaskDefinitionError,
    TaskFailed,
)
from autocron.hosts import in_worker
from autocron.model import CANCELLED, DONE, ERROR, RUNNING, WAITING, Status
from autocron.results import FailedAttempt, TaskResult
from autocron.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

__version__ = "0.1.0"

Result = TaskResult

start = default.start
stop = default.stop
get_results = default.get_results
delay = default.delay
cron = default.cron
periodic = default.periodic
at = default.at
setup_worker = default.setup_worker
around_job = default.around_job
on_error = default.on_error
on_missed = default.on_missed
carry = default.carry
status = default.status
jobs = default.jobs
show = default.show
doctor = default.doctor
metrics = default.metrics
retry = default.retry
retry_failed = default.retry_failed
cancel = default.cancel
run_now = default.run_now
pause = default.pause
resume = default.resume
purge = default.purge
backup = default.backup


def command_line(arguments: "Sequence[str]") -> int:
    """What the command ``autocron`` does with these arguments; returns its exit status. For adapters' commands."""
    from autocron.cli import main

    return main(arguments)


__all__ = [
    "CANCELLED",
    "DONE",
    "ERROR",
    "RUNNING",
    "WAITING",
    "Autocron",
    "AutocronError",
    "AutocronWarning",
    "ClaimLostError",
    "ConfigurationError",
    "CurrentJob",
    "DecodingError",
    "EncodingError",
    "FailedAttempt",
    "ForeignDatabaseError",
    "InvalidStateError",
    "JobNotFoundError",
    "NotStartedError",
    "Result",
    "ScheduleError",
    "Status",
    "StoreBusyError",
    "StoreError",
    "Task",
    "TaskDefinitionError",
    "TaskFailed",
    "TaskResult",
    "around_job",
    "at",
    "backup",
    "cancel",
    "carry",
    "command_line",
    "cron",
    "current_job",
    "default",
    "delay",
    "doctor",
    "get_results",
    "in_worker",
    "jobs",
    "metrics",
    "on_error",
    "on_missed",
    "pause",
    "periodic",
    "purge",
    "resume",
    "retry",
    "retry_failed",
    "run_now",
    "setup_worker",
    "show",
    "start",
    "status",
    "stop",
]
