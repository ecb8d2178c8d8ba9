"""The jobs that the supervisor has sent to this worker, each until its ticket is drawn."""

import threading
from typing import NamedTuple

from autocron.model import DEFAULT_POLICY, Policy
from autocron.processes.channel import BlockingChannel


class SentJob(NamedTuple):
    """A job as it is sent: plain values, for that is packed quickest. ``number`` is its ticket's, ``job`` its row's.

    ``policy`` is None for that of most jobs. ``last`` says that a failure of this attempt ends the job.
    """

    number: int
    job: int
    uuid: str
    task: str
    arguments: str
    context: str
    attempt: int
    schedule: str | None
    last: bool
    policy: Policy | None

    def policy_or_default(self) -> Policy:
        return DEFAULT_POLICY if self.policy is None else self.policy


class Inbox:
    """Shared by all threads that run jobs."""

    def __init__(self, channel: BlockingChannel) -> None:
        self._channel = channel
        self._lock = threading.Lock()
        self._jobs: dict[int, SentJob] = {}

    def take(self, number: int) -> SentJob | None:
        """The job with this ticket, which was sent before it. None at the end of the pipe."""
        with self._lock:
            while number not in self._jobs:
                message = self._channel.receive()
                if message is None:
                    return None
                taken_back, jobs = message
                for gone in taken_back:
                    self._jobs.pop(gone, None)
                for job in jobs:
                    self._jobs[job[0]] = SentJob(*job)
            return self._jobs.pop(number)
