"""autocron for Django: ``INSTALLED_APPS += ["django_autocron"]``, and calls of tasks run in worker processes beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec

from django.db import transaction

import autocron

__all__ = ["on_commit"]

P = ParamSpec("P")


def on_commit(task: autocron.Task[P, Any], *, using: str | None = None) -> Callable[P, None]:
    """Call the task when the running transaction has been committed: ``on_commit(send_mail)(order.pk)``.

    So its job finds the rows that the request has written, and after a rollback there is none. Outside of a transaction
    it is called at once. There is no handle, as there is no job yet; arguments that don't fit raise TypeError here.
    ``using`` is the database with the transaction, by default ``"default"``.
    """

    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        task.check_arguments(args, kwargs)
        transaction.on_commit(lambda: task(*args, **kwargs), using=using)

    return call
