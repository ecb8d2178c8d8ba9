"""Moments, durations, sizes and calls as people read them."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from autocron import clock, codec
from autocron.cli.terminal import harmless
from autocron.clock import MICROSECONDS
from autocron.errors import DecodingError
from autocron.model import Job, Settings

_UNITS = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)]


def zone_of(settings: Settings) -> dt.tzinfo | None:
    """The zone in which times are shown: the configured one, else the machine's (None)."""
    if not settings.timezone:
        return None
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(settings.timezone)
    except (LookupError, ValueError, OSError):
        return None


def moment(value: int | None, zone: dt.tzinfo | None) -> str:
    """``2027-01-31 09:30:00 CET``."""
    if value is None:
        return ""
    return clock.to_datetime(value).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def iso(value: int | None) -> str | None:
    """As JSON has it: ISO 8601 with microseconds, UTC."""
    return None if value is None else clock.to_datetime(value).isoformat(timespec="microseconds")


def duration(microseconds: int) -> str:
    """``0.3 s``, ``45 s``, ``12 min``, ``3 h 20 min``: two units at most."""
    seconds = abs(microseconds) / MICROSECONDS
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for index, (unit, size) in enumerate(_UNITS):
        if whole >= size:
            text = f"{whole // size} {unit}"
            rest = whole % size
            if rest and unit in ("d", "h"):
                following, smaller = _UNITS[index + 1]
                if rest >= smaller:
                    text += f" {rest // smaller} {following}"
            return text
    return "0 s"


def relative(value: int, now: int) -> str:
    """``in 3 min`` or ``12 s ago``."""
    return f"in {duration(value - now)}" if value > now else f"{duration(now - value)} ago"


def size(number: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return ""


def call(job: Job, longest: int | None = None) -> str:
    """``app.send_mail('a@b.c', times=2)``. A pickle isn't opened: that would run the application's code here."""
    if codec.is_pickled(job.arguments):
        inside = f"… {len(job.arguments)} characters of pickle …"
    else:
        try:
            args, kwargs = codec.decode_call(job.arguments)
            inside = ", ".join([*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())])
        except DecodingError:
            inside = job.arguments
    text = harmless(f"{job.task}({inside})")
    return text if longest is None or len(text) <= longest else text[: longest - 1] + "…"


def progress(job: Job) -> str:
    """``30% (3 of 10)``, "" where the job doesn't tell."""
    match raw(job.progress):
        case [int() | float() as done, int() | float() as total]:
            return f"{done / total:.0%} ({done:g} of {total:g})" if total else f"{done:g} of {total:g}"
        case _:
            return ""


def value(text: str) -> str:
    """A stored result as Python writes it."""
    if codec.is_pickled(text):
        return f"… {len(text)} characters of pickle …"
    try:
        return harmless(repr(codec.decode_value(text)))
    except DecodingError:
        return harmless(text)


def raw(text: str | None) -> Any:
    """Stored arguments or a result for JSON output: as they are stored, tags and all; a pickle as its text."""
    if text is None or codec.is_pickled(text):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def times(number: int, one: str, many: str = "") -> str:
    """``1 job``, ``3 jobs``."""
    return f"{number} {one if number == 1 else many or one + 's'}"
