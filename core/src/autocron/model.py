"""The nouns of the system as frozen values: a job and its states, an attempt's claim and outcome, an application.

Every process pays for what is here when it starts, so they are named tuples: a dataclass costs six times as much to
make. And their annotations aren't postponed, for ``NamedTuple`` would compile each, which takes longer than all else.
"""

import functools
import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple


class Status(StrEnum):
    """The states of a job; ``docs/state_machine.md`` draws the transitions."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    ERROR = "error"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (Status.DONE, Status.ERROR, Status.CANCELLED)


WAITING, RUNNING, DONE, ERROR, CANCELLED = Status

MAX_LOST_ATTEMPTS = 3
"""How many attempts of one job, alone in their worker, may lose it before the job is an error."""

LONGEST = 1e10
"""Seconds (317 years): an upper bound of every duration, so that moments fit the database's integers."""

MAX_RETRY_DELAY = 86_400.0
"""Seconds: the longest pause of exponential backoff."""


def qualified_name(cls: type) -> str:
    """How a class of errors is named in a stored policy."""
    return f"{cls.__module__}.{cls.__qualname__}"


class Policy(NamedTuple):
    """What happens around a job's attempts. Travels with the job, so that the supervisor needs no application code."""

    retries: int = 0
    backoff: str | float | tuple[float, ...] = "exponential"
    jitter: float = 0.0
    retry_on: tuple[str, ...] = ()
    give_up_on: tuple[str, ...] = ()
    timeout: float | None = None
    ttl: float | None = None
    at_most_once: bool = False

    def to_json(self) -> str:
        """Only what differs from the defaults: most jobs store two bytes."""
        if self == DEFAULT_POLICY:
            return "{}"
        changed = {name: value for name, value in self._asdict().items() if value != getattr(DEFAULT_POLICY, name)}
        return json.dumps(changed)

    @classmethod
    def from_json(cls, text: str) -> "Policy":
        """Raises ValueError for a damaged text."""
        return DEFAULT_POLICY if text == "{}" else _stored_policy(text)

    def retries_after(self, error: type[BaseException]) -> bool:
        """Whether this kind of error is one to retry after."""
        names = {qualified_name(cls) for cls in error.__mro__}
        if names & set(self.give_up_on):
            return False
        return not self.retry_on or bool(names & set(self.retry_on))

    def retry_delay(self, failures: int, chance: float) -> float | None:
        """Seconds until the next attempt after this many failures (at least 1), or None when none is left.

        ``chance`` in [0, 1) places the pause within the jitter. Exponential backoff doubles from 1 s up to a day.
        A list gives the pauses one by one; its last one serves for all further retries.
        """
        if failures > self.retries:
            return None
        if isinstance(self.backoff, tuple):
            pause = self.backoff[min(failures, len(self.backoff)) - 1]
        elif isinstance(self.backoff, str):
            pause = min(2.0 ** min(failures - 1, 20), MAX_RETRY_DELAY)
        else:
            pause = self.backoff
        return pause + self.jitter * chance


DEFAULT_POLICY = Policy()


@functools.lru_cache(maxsize=256)  # most jobs have one of a few
def _stored_policy(text: str) -> Policy:
    try:
        stored: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its policy can't be read ({error})") from error
    if not isinstance(stored, dict):
        raise ValueError(f"its policy is {text!r:.80}")
    values: dict[str, Any] = {}
    for name, value in stored.items():
        if name in _POLICY_CHECKS:  # a newer version may have stored more
            values[name] = tuple(value) if isinstance(value, list) else value
            if not _POLICY_CHECKS[name](values[name]):
                raise ValueError(f"its policy has {name}={value!r:.80}")
    return Policy(**values)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_duration(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= LONGEST


def _is_names(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(name, str) for name in value)


def _is_backoff(value: object) -> bool:
    if isinstance(value, tuple):
        return bool(value) and all(map(_is_duration, value))
    return value == "exponential" or _is_duration(value)


_POLICY_CHECKS: dict[str, Callable[[object], bool]] = {
    "retries": _is_count,
    "backoff": _is_backoff,
    "jitter": _is_duration,
    "retry_on": _is_names,
    "give_up_on": _is_names,
    "timeout": lambda value: value is None or _is_duration(value),
    "ttl": lambda value: value is None or _is_duration(value),
    "at_most_once": lambda value: isinstance(value, bool),
}


class NewJob(NamedTuple):
    """A requested run, not yet stored. ``arguments`` is the codec's text, ``run_at`` a moment or None for now.

    ``concurrent`` jobs (of ``async def`` tasks) share a worker's event loop. ``context`` is JSON that travels with the
    job to its attempts, "" for none.
    """

    task: str
    arguments: str
    application: int
    run_at: int | None = None
    queue: str = "default"
    priority: int = 0
    unique_key: str | None = None
    policy: str = "{}"
    concurrent: bool = False
    context: str = ""


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
    """What may have changed since a supervisor looked: see ``Store.revision``, ``next_run_at``, ``cancel_requests``."""

    revision: int
    next_run_at: int | None
    cancels: bool


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


class Setup(NamedTuple):
    """What a worker calls before its first job: ``module:function``, its JSON keywords, a module to import first."""

    function: str
    arguments: str
    module: str | None = None


class Launch(NamedTuple):
    """How a worker imports an application: the way the attached process did.

    ``main`` is the name under which tasks of the main module are known, and its file.
    """

    executable: str
    cwd: str
    path: tuple[str, ...]
    main: tuple[str, str] | None = None
    setups: tuple[Setup, ...] = ()

    def to_json(self) -> str:
        setups = [setup._asdict() for setup in self.setups]
        return json.dumps({**self._asdict(), "setups": setups}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Launch":
        """Raises ValueError for a damaged text."""
        try:
            values = json.loads(text)
            main = values["main"]
            launch = cls(
                executable=values["executable"],
                cwd=values["cwd"],
                path=tuple(values["path"]),
                main=tuple(main) if main else None,
                setups=tuple(Setup(**setup) for setup in values["setups"]),
            )
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            raise ValueError(f"its launch can't be read ({type(error).__name__}: {error})") from error
        texts = [launch.executable, launch.cwd, *launch.path, *(launch.main or ())]
        texts += [text for setup in launch.setups for text in (setup.function, setup.arguments)]
        if not all(isinstance(text, str) for text in texts) or len(launch.main or "12") != 2:
            raise ValueError("its launch has something else where a text belongs")
        return launch


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


class Settings(NamedTuple):
    """What is stored in the database about how to work it; ``start()`` and the command line change it.

    A worker is replaced after ``max_jobs`` jobs, or once it holds more than ``max_memory_mb``; 0: never.
    """

    workers: int = 1
    threads: int = 1
    coroutines: int = 100
    max_jobs: int = 0
    max_memory_mb: int = 0
    result_ttl: float = 1800.0
    durability: str = "normal"
    timezone: str = ""
    shutdown_grace: float = 8.0
    serializer: str = "json"
    autocron_lock: bool = False

    @classmethod
    def from_mapping(cls, stored: Mapping[str, Any]) -> "Settings":
        """Unknown names are left alone: a newer version may have stored them."""
        return cls(**{name: value for name, value in stored.items() if name in cls._fields})


class Counts(dict[Status, int]):
    """How many jobs are in each state."""

    def __missing__(self, status: Status) -> int:
        return 0
