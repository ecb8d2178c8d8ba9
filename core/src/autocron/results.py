"""``TaskResult``: the handle of one job, in whatever process holds its uuid."""

import datetime as dt
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar, cast

from autocron import clock
from autocron.errors import InvalidStateError, JobNotFoundError, TaskFailed
from autocron.states import CANCELLED, ERROR, WAITING, Status

if TYPE_CHECKING:
    from autocron.model import AttemptEnd, Job

R = TypeVar("R", covariant=True)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.0005, 0.05  # seconds between two looks while waiting


class JobSource(Protocol):
    """What a handle needs from the engine that keeps its job."""

    def job(self, uuid: str) -> "Job | None": ...

    def attempts(self, uuid: str) -> "Sequence[AttemptEnd]": ...

    def cancel(self, uuid: str) -> Status | None: ...

    def retry(self, uuid: str) -> Status | None: ...


_default_sources: list[Callable[[], JobSource]] = []


def set_default_source(source: Callable[[], JobSource]) -> None:
    """Say where ``TaskResult.get`` looks: the default instance's engine."""
    _default_sources.append(source)


class FailedAttempt(NamedTuple):
    """An execution of a job that didn't end it well, as ``TaskResult.failed_attempts`` lists them.

    ``outcome`` is "error" (the task raised, or took too long), "lost" (its worker died), "released" (ended for no fault of
    the job: it doesn't count), "held" (the running code doesn't know the task) or "cancelled". ``worker`` is a process id.
    """

    number: int
    outcome: str
    started_at: dt.datetime | None
    finished_at: dt.datetime
    worker: int | None
    error_message: str
    traceback: str


class TaskResult(Generic[R]):
    """The handle of a job. Every property reads the job as it is now; none of them waits for a worker.

    So two of them may show different moments: read ``status`` first, then what belongs to it. Once the job has ended,
    nothing changes any more.

    A handle whose job has ended keeps what it read. One whose job was never read before its result expired raises
    JobNotFoundError.
    """

    __slots__ = ("_final", "_source", "_uuid", "_value")

    def __init__(self, source: JobSource, uuid: str, job: "Job | None" = None) -> None:
        self._source = source
        self._uuid = uuid
        self._final = job if job is not None and job.status.is_final else None
        self._value: tuple[Any] | None = None

    @classmethod
    def get(cls, uuid: str) -> "TaskResult[Any]":
        """The handle of the job with this uuid, from any process that has called ``start``.

        Raises JobNotFoundError if there is none (or its result has expired), NotStartedError before ``start``.
        """
        source = _default_sources[-1]()
        job = source.job(str(uuid))
        if job is None:
            raise _not_found(str(uuid))
        return cls(source, str(uuid), job)

    # -- what it is ----------------------------------------------------------------------------------------

    @property
    def uuid(self) -> str:
        """The job's name, the same in every process."""
        return self._uuid

    @property
    def task(self) -> str:
        """The dotted name of the task."""
        return self._job().task

    @property
    def status(self) -> Status:
        """WAITING, RUNNING, DONE, ERROR or CANCELLED; equal to the texts "waiting", "running", and so on."""
        return self._job().status

    @property
    def is_ready(self) -> bool:
        """Whether the job has come to an end, good or bad."""
        return self._job().status.is_final

    @property
    def is_waiting(self) -> bool:
        """Whether the job hasn't come to its end yet: it waits for a worker, or runs."""
        return not self.is_ready

    @property
    def has_error(self) -> bool:
        """Whether the job ended with an error."""
        return self._job().status is ERROR

    @property
    def result(self) -> R | None:
        """What the function returned; None until it is ready, and after an error."""
        job = self._job()
        if job.result is None:
            return None
        if self._value is None:
            from autocron import codec  # only for values that are looked at

            self._value = (codec.decode_value(job.result),)
        return cast("R", self._value[0])

    @property
    def error_message(self) -> str:
        """The last attempt's error in one line, "" if there was none."""
        return self._job().error

    @property
    def traceback(self) -> str:
        """The worker's traceback of the last failed attempt, "" if there was none."""
        return self._job().traceback

    @property
    def attempts(self) -> int:
        """How many executions have begun."""
        return self._job().attempts

    @property
    def progress(self) -> tuple[float, float] | None:
        """(done, total) as the running or the last attempt has told it by ``current_job().progress``; None if it hasn't."""
        told = self._job().progress
        if told is None:
            return None
        import json

        done, total = json.loads(told)
        return done, total

    @property
    def failed_attempts(self) -> list[FailedAttempt]:
        """The executions that didn't end the job well, oldest first. Jobs that ran inline have none."""
        return [
            FailedAttempt(
                end.number,
                end.outcome,
                _moment(end.started_at),
                clock.to_datetime(end.finished_at),
                end.worker,
                end.error,
                end.traceback,
            )
            for end in self._source.attempts(self._uuid)
        ]

    @property
    def arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What the task was called with: positional arguments and keywords, decoded anew each time."""
        from autocron import codec

        return codec.decode_call(self._job().arguments)

    @property
    def worker(self) -> int | None:
        """The process id of the worker that ended the job, None while it hasn't."""
        return self._job().worker

    @property
    def queue(self) -> str:
        """The queue that the job is in."""
        return self._job().queue

    @property
    def priority(self) -> int:
        """Higher runs first."""
        return self._job().priority

    @property
    def created_at(self) -> dt.datetime:
        """When the task was called, aware, in UTC."""
        return clock.to_datetime(self._job().created_at)

    @property
    def run_at(self) -> dt.datetime:
        """The earliest start (of the next attempt), aware, in UTC."""
        return clock.to_datetime(self._job().run_at)

    @property
    def started_at(self) -> dt.datetime | None:
        """When the last attempt began, aware, in UTC."""
        return _moment(self._job().started_at)

    @property
    def finished_at(self) -> dt.datetime | None:
        """When the job came to its end, aware, in UTC."""
        return _moment(self._job().finished_at)

    # The names that the older documents use.
    ready = is_ready
    waiting = is_waiting
    function_result = result

    # -- what can be done ----------------------------------------------------------------------------------

    def wait(self, timeout: float | None = None) -> R:
        """Block until the job has ended and return its value.

        ``timeout`` is in seconds, None waits for ever. Raises TimeoutError (the job goes on), TaskFailed when the job
        ended with an error or was cancelled. Don't wait inside a task: with all workers waiting, nobody works.
        """
        for pause in _pauses(timeout, self._describe):
            if self.is_ready:
                break
            clock.sleep(pause)
        return self._outcome()

    def __await__(self) -> Generator[Any, None, R]:
        """``await handle`` is ``wait()`` without blocking the event loop."""
        return self._wait_async().__await__()

    async def _wait_async(self) -> R:
        for pause in _pauses(None, self._describe):
            if self.is_ready:
                break
            await clock.sleep_async(pause)
        return self._outcome()

    def cancel(self) -> bool:
        """A waiting job never starts; a running one is ended. False when the job had come to its end before."""
        before = self._source.cancel(self._uuid)
        if before is None:
            raise _not_found(self._uuid)
        return before is CANCELLED or not before.is_final

    def retry(self) -> None:
        """Run a job again that ended with an error or was cancelled, with all its attempts.

        Raises InvalidStateError for a job in another state.
        """
        before = self._source.retry(self._uuid)
        if before is None:
            raise _not_found(self._uuid)
        if before not in (ERROR, CANCELLED):
            raise InvalidStateError(
                f"job {self._uuid} is {before}; only a job that ended with an error or was cancelled can be retried"
            )
        self._final, self._value = None, None

    def __repr__(self) -> str:
        return f"<TaskResult {self._uuid}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TaskResult) and other._uuid == self._uuid

    def __hash__(self) -> int:
        return hash(self._uuid)

    def _job(self) -> "Job":
        if self._final is not None:
            return self._final
        job = self._source.job(self._uuid)
        if job is None:
            raise _not_found(self._uuid)
        if job.status.is_final:
            self._final = job
        return job

    def _outcome(self) -> R:
        job = self._job()
        if job.status is CANCELLED:
            raise TaskFailed(f"{job.task} was cancelled", job.traceback)
        if job.status is ERROR:
            raise TaskFailed(job.error, job.traceback)
        return cast("R", self.result)  # done: None only if the function returned None

    def _describe(self) -> str:
        job = self._job()
        hint = ""
        if job.held:
            hint = f"; it waits for newer code: {job.error}"
        elif job.status is WAITING:
            hint = "; no worker has taken it yet"
        return f"job {self._uuid} ({job.task}) is still {job.status}{hint}"


def _pauses(timeout: float | None, describe: Callable[[], str]) -> Iterator[float]:
    """Growing pauses between two looks. Raises TimeoutError after ``timeout`` seconds."""
    deadline = None if timeout is None else clock.monotonic() + timeout
    pause = _FIRST_PAUSE
    while True:
        if deadline is None:
            yield pause
        else:
            left = deadline - clock.monotonic()
            yield max(0.0, min(pause, left))
            if left <= 0:
                raise TimeoutError(f"{describe()} after {timeout} s")
        pause = min(pause * 1.3, _LONGEST_PAUSE)


def _moment(value: int | None) -> dt.datetime | None:
    return None if value is None else clock.to_datetime(value)


def _not_found(uuid: str) -> JobNotFoundError:
    return JobNotFoundError(
        f"there is no job {uuid}: its result has expired (see the option ttl), or it was made in another database"
    )
