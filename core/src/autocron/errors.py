"""Every error autocron raises on purpose: one base class, flat, each message says what was wrong and what to write."""

from __future__ import annotations


class AutocronError(Exception):
    """Base class of all errors raised by autocron."""


class AutocronWarning(UserWarning):
    """Category of every warning issued by autocron."""


class ConfigurationError(AutocronError, ValueError):
    """An option, a setting or a database path can't be used; the message names it and says what to write."""


class NotStartedError(AutocronError, RuntimeError):
    """A task was called, or a result asked for, before ``start()`` said which database to use."""


class TaskDefinitionError(AutocronError, TypeError):
    """The decorated object can't be found again by a worker: a lambda, a nested function, a main module without guard."""


class ScheduleError(AutocronError, ValueError):
    """A schedule can't be understood; the message names the field, the value and the remedy."""


class EncodingError(AutocronError, TypeError):
    """A value can't be stored so that exactly the same value comes back."""


class TooLargeError(EncodingError):
    """A value takes more room than there is in one row of the database."""


class DecodingError(AutocronError, ValueError):
    """A stored text is not what the codec writes: it was damaged, or written by a newer version."""


class StoreError(AutocronError):
    """The database can't be read or written right now; the message names the file and the cause."""


class ForeignDatabaseError(StoreError):
    """The file is no autocron database, is damaged, or was made by a newer version. It is never overwritten."""


class StoreBusyError(StoreError):
    """Another process held the write lock of the database for too long."""


class JobNotFoundError(AutocronError, LookupError):
    """No job has this uuid: it never existed, or its result has expired."""


class ClaimLostError(AutocronError):
    """An outcome arrived for an attempt that is no longer the running one; it is not counted."""


class InvalidStateError(AutocronError):
    """The job's state doesn't allow this transition, for example a retry of a job that hasn't failed."""


class TaskFailed(AutocronError):  # noqa: N818  (the public name is fixed, and reads well where it is caught)
    """Raised by ``TaskResult.wait()`` when the job ended with an error or was cancelled.

    ``error_message`` is the error in one line, ``traceback`` the worker's traceback ("" if there is none).
    """

    def __init__(self, error_message: str, traceback: str = "") -> None:
        super().__init__(error_message)
        self.error_message = error_message
        self.traceback = traceback
