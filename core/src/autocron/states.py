"""The states of a job."""

from enum import StrEnum


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
