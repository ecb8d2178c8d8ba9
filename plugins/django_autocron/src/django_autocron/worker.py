"""What a worker does with a Django project: set it up, and give every job fresh connections."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import ModuleType

import django
from django.apps import apps


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
    from django.core.cache import close_caches
    from django.db import close_old_connections, reset_queries
    from django.utils import timezone, translation

    reset_queries()
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()
        close_caches()
        timezone.deactivate()
        translation.deactivate()
