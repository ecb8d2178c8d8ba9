"""What a worker does with a Django project: set it up, and give every job fresh connections."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import ModuleType

import django
from asgiref.sync import SyncToAsync
from django.apps import apps
from django.core.cache import close_caches
from django.db import close_old_connections, reset_queries


def setup(main: ModuleType | None = None, *, settings: str | None) -> Callable[[], AbstractContextManager[None]]:
    """Set Django up with this settings module. ``main`` is the program that has configured settings itself."""
    if settings is not None:
        os.environ["DJANGO_SETTINGS_MODULE"] = settings
    if not apps.ready:
        django.setup()
    return fresh_connections


@contextmanager
def fresh_connections() -> Iterator[None]:
    """What Django does around a request: a job gets no connection that is broken or too old, and leaves none behind."""
    _everywhere(_begin)
    try:
        yield
    finally:
        _everywhere(_end)


def _begin() -> None:
    reset_queries()
    close_old_connections()


def _end() -> None:
    close_old_connections()
    close_caches()


def _everywhere(function: Callable[[], None]) -> None:
    """In this thread, and in the one in which ``async`` code talks to databases, if there is one yet.

    That one does what it is asked to in order, so what a job asks next comes after this.
    """
    function()
    executor = SyncToAsync.single_thread_executor
    if getattr(executor, "_threads", True):
        executor.submit(function)
