"""Background jobs and cron for web applications: a SQLite file is the queue, worker processes run beside the app.

    import autocron

    autocron.start("project.db")

    @autocron.delay
    def send_mail(address, message): ...

    @autocron.cron("* 2 * * *")  # every day at 2 am
    def cleanup(): ...

Importing it opens no file, starts no thread and spawns nothing.
"""

from typing import TYPE_CHECKING, Final

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
from autocron.results import FailedAttempt, TaskResult
from autocron.states import CANCELLED, DONE, ERROR, RUNNING, WAITING, Status
from autocron.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

__version__ = "0.1.0"

Result = TaskResult

start: Final = default.start
stop: Final = default.stop
get_results: Final = default.get_results
delay: Final = default.delay
cron: Final = default.cron
periodic: Final = default.periodic
at: Final = default.at
setup_worker: Final = default.setup_worker
around_job: Final = default.around_job
on_error: Final = default.on_error
on_missed: Final = default.on_missed
carry: Final = default.carry
status: Final = default.status
jobs: Final = default.jobs
show: Final = default.show
doctor: Final = default.doctor
metrics: Final = default.metrics
retry: Final = default.retry
retry_failed: Final = default.retry_failed
cancel: Final = default.cancel
run_now: Final = default.run_now
pause: Final = default.pause
resume: Final = default.resume
purge: Final = default.purge
backup: Final = default.backup


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
