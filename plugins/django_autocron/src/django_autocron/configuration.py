"""The setting ``AUTOCRON``: ``{"DATABASE": "mysite.db", "WORKERS": 2}``."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

import autocron

OPTIONS = (
    "WORKERS",
    "THREADS",
    "COROUTINES",
    "MAX_JOBS",
    "MAX_MEMORY_MB",
    "RESULT_TTL",
    "DURABILITY",
    "TIMEZONE",
    "SHUTDOWN_GRACE",
    "SERIALIZER",
)
"""The keys that are options of ``autocron.start``, in capital letters."""

KEYS = ("DATABASE", *OPTIONS)


@dataclass(frozen=True)
class Configuration:
    """What ``AUTOCRON`` says. ``options`` are those of ``autocron.start``."""

    database: str
    options: dict[str, Any]

    def start(self) -> bool:
        """``autocron.start`` with it. Raises ImproperlyConfigured saying what is wrong with which key."""
        try:
            return autocron.start(self.database, **self.options)
        except autocron.ConfigurationError as error:
            raise ImproperlyConfigured(f"settings.AUTOCRON: {error}") from error


def read() -> Configuration:
    """The configuration of this project. Raises ImproperlyConfigured for a missing or an unknown key.

    Cron expressions are in ``TIME_ZONE``, unless ``AUTOCRON`` has a ``TIMEZONE`` of its own.
    """
    given = getattr(settings, "AUTOCRON", None)
    if not isinstance(given, dict):
        found = "there is no setting AUTOCRON" if given is None else f"settings.AUTOCRON is {given!r}, which is no dictionary"
        raise ImproperlyConfigured(f'{found}: write AUTOCRON = {{"DATABASE": "mysite.db"}}')
    for key in given:
        if key not in KEYS:
            near = difflib.get_close_matches(str(key).upper(), KEYS, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ImproperlyConfigured(f"settings.AUTOCRON has no key {key!r}: {hint}Its keys are {', '.join(KEYS)}")
    if not given.get("DATABASE"):
        raise ImproperlyConfigured(
            'settings.AUTOCRON has no DATABASE: write AUTOCRON = {"DATABASE": "mysite.db"} (the file is in ~/.autocron), '
            'or BASE_DIR / "autocron.db"'
        )
    options = {key.lower(): given[key] for key in OPTIONS if key in given}
    if settings.TIME_ZONE:
        options.setdefault("timezone", settings.TIME_ZONE)
    return Configuration(given["DATABASE"], options)
