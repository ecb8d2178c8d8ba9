"""``InlineEngine``: what runs the calls of tasks where autocron is inactive. The caller does, at once."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any, Final

from autocron import carried, clock, codec
from autocron.attempt import Attempt
from autocron.current import CurrentJob, Notes
from autocron.errors import JobNotFoundError
from autocron.model import DONE, ERROR, AttemptEnd, Job, Settings, Status
from autocron.results import TaskResult
from autocron.tasks import Request

logger: Final = logging.getLogger(__name__)


class InlineEngine:
    """Runs every call at once in the caller, through the codec as a worker would. Nothing is stored or spawned.

    Delays, retries and timeouts don't apply. An exception becomes the result's error, as it would in a worker.
    """

    def __init__(self, settings: Settings) -> None:
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

    def jobs(self) -> list[Job]:
        """The jobs live only in their handles."""
        return []

    def job(self, uuid: str) -> Job | None:
        return None

    def attempts(self, uuid: str) -> list[AttemptEnd]:
        return []

    def cancel(self, uuid: str) -> Status | None:
        return DONE

    def retry(self, uuid: str) -> Status | None:
        raise JobNotFoundError(f"job {uuid} ran in the caller because autocron is inactive here; call the task again")
