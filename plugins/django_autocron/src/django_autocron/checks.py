"""The system check: ``manage.py check`` tells why autocron can't start."""

from __future__ import annotations

import inspect
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.management import ManagementUtility

problems: list[str] = []
"""What kept autocron from starting for a command of ``manage.py`` in this process."""


def check_start(**_: Any) -> list[CheckMessage]:
    """E001: what kept autocron from starting in this process."""
    return [Error(problem, id="django_autocron.E001") for problem in problems]


def running_a_command() -> bool:
    """Whether a command of ``manage.py`` (whatever that program is called) sets Django up: they run checks."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code is not ManagementUtility.execute.__code__:
        frame = frame.f_back
    return frame is not None
