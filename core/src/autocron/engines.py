"""What runs the calls of tasks: ``StoreEngine`` (a database with workers beside it), ``InlineEngine`` (the caller)."""

from __future__ import annotations

import datetime as dt
import logging
import os
from collections.abc import Callable, Sequence
from typing import Any, Final

from autocron import carried, clock, codec, tracing
from autocron.attempt import Attempt
from autocron.current import CurrentJob, Notes
from autocron.errors import JobNotFoundError, StoreError, TaskDefinitionError
from autocron.model import DONE, ERROR, AttemptEnd, Job, NewJob, Settings, Status
from autocron.results import TaskResult
from autocron.store import Store
from autocron.tasks import Request, main_module_problem

logger: Final = logging.getLogger(__name__)

DEFAULT_SETTINGS = Settings()


class StoreEngine:
    """Makes jobs in a store. ``application`` says (and makes known) whose they are, ``wake`` tells the supervisor.

    ``mistrust`` is called when the store failed: it may be another one at the next call, which knows no application.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        application: Callable[[Request], int],
        wake: Callable[[], object],
        mistrust: Callable[[], object] = lambda: None,
    ) -> None:
        self.store = store
        self.settings = settings
        self._application = application
        self._wake = wake
        self._mistrust = mistrust

    def submit(self, requests: Sequence[Request]) -> list[TaskResult[Any]]:
        if tracing.is_active():
            task = requests[0].task
            with tracing.call_span(task.name, task.job_options.queue, len(requests)):
                return self._submit(requests)
        return self._submit(requests)

    def _submit(self, requests: Sequence[Request]) -> list[TaskResult[Any]]:
        now = clock.now()
        try:
            if len(requests) == 1:  # nearly always; a call's price is most of what a user feels of all this
                uuids = self.store.add((self._new_job(requests[0], now),), now)
            else:
                uuids = self._add(requests, now)
        except StoreError:
            self._mistrust()
            raise
        self._wake()
        return [TaskResult(self, uuid) for uuid in uuids]

    def _add(self, requests: Sequence[Request], now: int) -> list[str]:
        task = requests[0].task
        if task.job_options.unique or any(request.task is not task for request in requests):
            return self.store.add([self._new_job(request, now) for request in requests], now)
        name, serializer = task.name, self.settings.serializer
        arguments = [codec.encode_call(args, kwargs, serializer=serializer, task=name) for _, args, kwargs in requests]
        return self.store.add_each(self._new_job(requests[0], now), arguments, now)

    def _new_job(self, request: Request, now: int) -> NewJob:
        task = request.task
        options, name = task.job_options, task.name
        if task.in_main_module:
            self._check_main_module(name)
        serializer = self.settings.serializer
        arguments = codec.encode_call(request.args, request.kwargs, serializer=serializer, task=name)
        key = None
        if unique := options.unique:
            key = f"{name} {codec.call_key(arguments) if unique is True else '=' + str(unique)}"
        return NewJob(
            name,
            arguments,
            self._application(request),
            options.run_at(now, self._zone) if options.delay or options.at else None,
            options.queue,
            options.priority,
            key,
            options.policy_text,
            task.concurrent,
            carried.captured(serializer, name),
        )

    def _check_main_module(self, task: str) -> None:
        """Raise TaskDefinitionError if no worker could import the main module."""
        if problem := main_module_problem():
            raise TaskDefinitionError(f"{task} can't run in a worker: {problem}")

    def _zone(self) -> dt.tzinfo:
        """The zone of naive moments."""
        from zoneinfo import ZoneInfo

        from autocron.schedules import system_timezone

        return ZoneInfo(self.settings.timezone or system_timezone())

    def job(self, uuid: str) -> Job | None:
        return self.store.job(uuid)

    def attempts(self, uuid: str) -> list[AttemptEnd]:
        return self.store.attempts(uuid)

    def cancel(self, uuid: str) -> Status | None:
        now = clock.now()
        status = self.store.cancel(uuid, now + round(self.settings.result_ttl * clock.MICROSECONDS), now)
        self._wake()
        return status

    def retry(self, uuid: str) -> Status | None:
        status = self.store.retry(uuid, clock.now())
        self._wake()
        return status


class InlineEngine:
    """Runs every call at once in the caller, through the codec as a worker would. Nothing is stored or spawned.

    Delays, retries and timeouts don't apply. An exception becomes the result's error, as it would in a worker.
    """

    def __init__(self, settings: Settings = DEFAULT_SETTINGS) -> None:
        self.settings = settings

    def submit(self, requests: Sequence[Request]) -> list[TaskResult[Any]]:
        return [self._run(request) for request in requests]

    def _run(self, request: Request) -> TaskResult[Any]:
        from uuid import uuid4  # dear, and a process that stores its jobs never needs it

        task = request.task
        arguments = codec.encode_call(request.args, request.kwargs, serializer=self.settings.serializer, task=task.name)
        context = carried.captured(self.settings.serializer, task.name)
        started = clock.now()
        notes = Notes()
        current = CurrentJob(str(uuid4()), task.name, notes=notes)
        policy = task.job_options.policy
        outcome = Attempt(current, task.function, arguments, policy, context, self.settings.serializer).run()
        if outcome.error:
            logger.warning("%s failed: %s\n%s", task.name, outcome.error, outcome.traceback)
        job = Job(
            uuid=current.uuid,
            task=task.name,
            status=ERROR if outcome.error else DONE,
            arguments=arguments,
            queue=task.job_options.queue,
            priority=task.job_options.priority,
            run_at=started,
            attempts=1,
            created_at=started,
            started_at=started,
            finished_at=clock.now(),
            result=outcome.result,
            error=outcome.error,
            traceback=outcome.traceback,
            progress=notes.progress,
            worker=os.getpid(),
        )
        return TaskResult(self, job.uuid, job)

    def job(self, uuid: str) -> Job | None:
        """The jobs live only in their handles."""
        return None

    def attempts(self, uuid: str) -> list[AttemptEnd]:
        return []

    def cancel(self, uuid: str) -> Status | None:
        return DONE

    def retry(self, uuid: str) -> Status | None:
        raise JobNotFoundError(f"job {uuid} ran in the caller because autocron is inactive here; call the task again")
