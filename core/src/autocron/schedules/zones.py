"""Time zones: which one the machine is in, and loading one by its IANA name."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Final

from autocron.errors import ScheduleError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

TIMEZONE_FILE: Final = "/etc/timezone"
LOCALTIME_LINK: Final = "/etc/localtime"


@cache
def load_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name such as ``"Europe/Berlin"``; kept for the life of the process.

    Raises ``ScheduleError`` if there is no such zone on this machine.
    """
    from zoneinfo import ZoneInfo  # takes milliseconds: paid by the first schedule, not by the import

    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError, TypeError) as error:
        # A folder ("Europe"), an absolute path and a missing zone each raise something else.
        raise ScheduleError(_unknown_zone(name)) from error


def zone_name(timezone: object) -> str:
    """The checked name of the zone to use; ``None`` means the machine's own. Raises ``ScheduleError``."""
    if timezone is None:
        return system_timezone()
    if not isinstance(timezone, str):
        raise ScheduleError(f'timezone={timezone!r} is no text: write an IANA name such as "Europe/Berlin"')
    load_zone(timezone)
    return timezone


def system_timezone() -> str:
    """The machine's IANA zone: from ``TZ``, /etc/timezone, or the link /etc/localtime; else ``"UTC"``.

    A source that names no IANA zone (``TZ="CET-1CEST"``) is passed over.
    """
    for name in (_from_environment(), _from_timezone_file(), _from_localtime_link()):
        if name and _is_known(name):
            return name
    return "UTC"


def _from_environment() -> str | None:
    value = os.environ.get("TZ")
    if value is None:
        return None
    value = value.strip().removeprefix(":")
    if not value:
        return "UTC"  # tzset(3): TZ set to nothing means UTC
    return _below_zoneinfo(value) if value.startswith("/") else value


def _from_timezone_file() -> str | None:
    try:
        with open(TIMEZONE_FILE, encoding="ascii") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return None


def _from_localtime_link() -> str | None:
    try:
        return _below_zoneinfo(os.readlink(LOCALTIME_LINK))
    except OSError:
        return None


def _below_zoneinfo(path: str) -> str | None:
    _, found, name = path.partition("/zoneinfo/")
    return name if found else None


def _is_known(name: str) -> bool:
    try:
        load_zone(name)
    except ScheduleError:
        return False
    return True


def _unknown_zone(name: str) -> str:
    """The message for a zone that can't be loaded, with a guess at what was meant."""
    from zoneinfo import available_timezones

    known = available_timezones() - {"localtime", "posixrules"}
    message = f"timezone={name!r} is no time zone known on this machine: "
    if not known:
        return message + "it has no zone data at all; install the tzdata package (pip install tzdata)"
    guess = _similar(name, sorted(known))
    if guess:
        return message + f'did you mean "{guess}"? (If the name is right, install the tzdata package.)'
    return message + (
        'write an IANA name such as "Europe/Berlin" or "UTC"; '
        "if the name is right, install the tzdata package (pip install tzdata)"
    )


def _similar(name: str, known: list[str]) -> str | None:
    from difflib import get_close_matches

    wanted = str(name).strip().replace(" ", "_").casefold()
    folded = {candidate.casefold(): candidate for candidate in known}
    if wanted in folded:
        return folded[wanted]
    cities = {candidate.casefold().rpartition("/")[2]: candidate for candidate in known if "/" in candidate}
    if wanted in cities:
        return cities[wanted]
    matches = get_close_matches(wanted, folded, n=1, cutoff=0.75)
    return folded[matches[0]] if matches else None
