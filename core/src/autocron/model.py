"""The nouns of the system as frozen values: a job and its states, an attempt's claim and outcome, an application.

Every process that works pays for what is here when it starts, so they are named tuples: a dataclass costs six times as
much to make. And their annotations aren't postponed, for ``NamedTuple`` would compile each, which takes longer than all
else. What decorators need, too, is in ``states`` and ``policy``, what a start and a call need, in ``intake``.
"""

from typing import NamedTuple

from autocron.intake import Launch, NewJob, Settings, Setup
from autocron.policy import DEFAULT_POLICY, LONGEST, MAX_RETRY_DELAY, Policy
from autocron.states import CANCELLED, DONE, ERROR, RUNNING, WAITING, Status

__all__ = [
    "CANCELLED",
    "DEFAULT_POLICY",
    "DONE",
    "ERROR",
    "LONGEST",
    "MAX_LOST_ATTEMPTS",
    "MAX_RETRY_DELAY",
    "RUNNING",
    "WAITING",
    "Application",
    "AttemptEnd",
    "Claim",
    "Counts",
    "Finished",
    "Job",
    "Launch",
    "NewJob",
    "News",
    "Outcome",
    "Policy",
    "ScheduledTask",
    "Settings",
    "Setup",
    "Status",
    "Work",
]

MAX_LOST_ATTEMPTS = 3
"""How many attempts of one job, alone in their worker, may lose it before the job is an error."""


class Claim(NamedTuple):
    """The right to report on one attempt: it holds as long as this attempt of this owner is the running one.

    ``job`` and ``nonce`` are the job's key in its store.
    """

    job: int
    nonce: int
    attempt: int
    owner: str


class Finished(NamedTuple):
    """An attempt that ended its job well: the codec's text of its value, the process, until when that is kept."""

    claim: Claim
    result: str
    worker: int
    expires_at: int


class News(NamedTuple):
    """What may have changed since a supervisor looked: see ``Store.revision``, ``next_run_at``, ``cancel_requests``.

    ``newest``: the number of the newest job, which grows with every call.
    """

    revision: int
    next_run_at: int | None
    cancels: bool
    newest: int


class Work(NamedTuple):
    """A claimed job as the supervisor feeds it to a worker.

    ``company``, if more than 0: how many jobs that worker may have at once. Less than 0: one has died that had several.
    """

    claim: Claim
    uuid: str
    task: str
    arguments: str
    policy: Policy
    failures: int
    lost: int
    schedule: str | None = None
    concurrent: bool = False
    context: str = ""
    company: int = 0


class Outcome(NamedTuple):
    """What an attempt came to, as the worker reports it.

    ``result`` is the codec's text when the function returned. Otherwise ``error`` says in one line what went wrong,
    and ``may_retry`` whether the job's options allow a retry after this kind of error. ``unknown`` means that the
    running code has no such task: the attempt doesn't count, and the job waits for newer code.
    """

    result: str | None = None
    error: str = ""
    traceback: str = ""
    may_retry: bool = True
    unknown: bool = False


class Job(NamedTuple):
    """A stored job as it is now. Moments are microseconds UTC, None while they haven't come."""

    uuid: str
    task: str
    status: Status
    arguments: str
    queue: str
    priority: int
    run_at: int
    attempts: int
    created_at: int
    started_at: int | None
    finished_at: int | None
    result: str | None
    error: str
    traceback: str
    schedule: str | None = None
    held: bool = False
    progress: str | None = None
    worker: int | None = None


class AttemptEnd(NamedTuple):
    """How an attempt that didn't end its job well came to its end: error, lost, released, held or cancelled.

    ``worker`` is a process id, None where it isn't known. Moments are microseconds UTC.
    """

    number: int
    outcome: str
    started_at: int | None
    finished_at: int
    worker: int | None
    error: str
    traceback: str


class Application(NamedTuple):
    """An attached application: how to launch its workers, the modules that define its tasks, its last attach."""

    id: int
    launch: Launch
    attached_at: int
    modules: tuple[str, ...] = ()


class ScheduledTask(NamedTuple):
    """A schedule and the job that each of its slots makes. ``spec`` is the schedule's canonical JSON.

    ``broken`` says why workers can't import its function, "" if they can; a broken one makes no jobs.
    """

    name: str
    task: str
    spec: str
    words: str
    application: int
    arguments: str
    queue: str = "default"
    priority: int = 0
    policy: str = "{}"
    misfire: str = "latest"
    grace: float | None = None
    overlap: str = "skip"
    jitter: float = 0.0
    anchor: int = 0
    next_run_at: int | None = None
    last_run_at: int | None = None
    broken: str = ""
    concurrent: bool = False


class Counts(dict[Status, int]):
    """How many jobs are in each state."""

    def __missing__(self, status: Status) -> int:
        return 0
