"""The system check: ``manage.py check`` tells why autocron can't start."""

from __future__ import annotations

import inspect
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.core.management import ManagementUtility


def check_start(**_: Any) -> list[CheckMessage]:
    """E001: what kept autocron from starting in this process."""
    problem: str = apps.get_app_config("django_autocron").problem
    return [Error(problem, id="django_autocron.E001")] if problem else []


def running_a_command() -> bool:
    """Whether a command of ``manage.py`` (whatever that program is called) sets Django up: they run checks."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code is not ManagementUtility.execute.__code__:
        frame = frame.f_back
    return frame is not None
