"""``StoreEngine``: what runs the calls of tasks where there is a database with workers beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from autocron import carried, clock, codec, tracing
from autocron.errors import StoreError
from autocron.intake import NewJob, Settings
from autocron.results import TaskResult
from autocron.tasks import Request, check_main_module

if TYPE_CHECKING:
    import datetime as dt

    from autocron.model import AttemptEnd, Job
    from autocron.states import Status
    from autocron.store.protocol import Store


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
        check_main_module(task)

    def _zone(self) -> dt.tzinfo:
        """The zone of naive moments."""
        from zoneinfo import ZoneInfo

        from autocron.schedules import system_timezone

        return ZoneInfo(self.settings.timezone or system_timezone())

    def jobs(self) -> list[Job]:
        """Newest first."""
        return self.store.jobs()

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
