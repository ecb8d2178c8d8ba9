"""What a worker does with a Django project: set it up, and give every job fresh connections."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import ModuleType

import django
from django.apps import apps

from django_autocron.connections import fresh_connections


def setup(main: ModuleType | None = None, *, settings: str | None) -> Callable[[], AbstractContextManager[None]]:
    """Set Django up with this settings module. ``main`` is the program that has configured settings itself."""
    if settings is not None:
        os.environ["DJANGO_SETTINGS_MODULE"] = settings
    if not apps.ready:
        django.setup()
    return fresh_connections
