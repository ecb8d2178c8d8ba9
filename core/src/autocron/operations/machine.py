"""What goes wrong around a database, quick to look at: SQLite's version, the file system, free space, permissions."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from autocron import locations
from autocron.operations import system
from autocron.operations.system import Finding

_MEGABYTE = 1 << 20
_LITTLE_SPACE, _NO_SPACE = 200 * _MEGABYTE, 20 * _MEGABYTE


def surroundings(path: Path) -> Iterator[Finding]:
    """The findings about everything around the file."""
    yield from disk(path)
    yield from space(path)
    yield from permissions(path)


def sqlite_version(version: tuple[int, ...]) -> Finding:
    """SQLite 3.7.0 to 3.51.2 can lose a commit that comes in the moment a checkpoint begins; 3.50.7 and 3.44.6 can't."""
    fixed = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    text = ".".join(map(str, version[:3]))
    if fixed:
        return Finding("sqlite", "ok", f"SQLite {text}")
    return Finding(
        "sqlite",
        "note",
        f"SQLite {text} can lose a commit that comes in the moment a checkpoint of the WAL begins (fixed in 3.51.3, 3.50.7, "
        "3.44.6). autocron lets that never happen; don't write to the file with other programs while it runs",
    )


def disk(path: Path) -> Iterator[Finding]:
    kind = system.file_system(path)
    if kind in system.NETWORK_FILE_SYSTEMS:
        yield Finding(
            "disk",
            "problem",
            f"{path} is on a network file system ({kind}), where locks can't be relied on: move it to a local one",
        )
    elif kind is None:
        yield Finding("disk", "note", "the type of the file system is unknown here; it must not be a network file system")
    else:
        yield Finding("disk", "ok", f"local file system ({kind})")


def space(path: Path) -> Iterator[Finding]:
    free = free_bytes(path)
    message = f"{free // _MEGABYTE} MB free"
    if free < _NO_SPACE:
        yield Finding("space", "problem", f"only {message}: calls will soon fail")
    elif free < max(_LITTLE_SPACE, path.stat().st_size):
        yield Finding("space", "warning", f"only {message}, the database has {path.stat().st_size // _MEGABYTE} MB")
    else:
        yield Finding("space", "ok", message)


def free_bytes(path: Path) -> int:
    """What is free on the file system of this file for its user."""
    seen = os.statvfs(path.parent)
    return seen.f_bavail * seen.f_frsize


def permissions(path: Path) -> Iterator[Finding]:
    complaints = []
    seen = path.stat()
    if seen.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        complaints.append(f"{path} has mode {stat.S_IMODE(seen.st_mode):04o}: others may read what jobs carry; `chmod 600` it")
    for file in map(Path, (locations.lock_path(path), locations.wakeup_path(path))):
        if file.exists() and file.stat().st_uid != seen.st_uid:
            complaints.append(
                f"{file.name} belongs to {_user(file.stat().st_uid)}, the database to {_user(seen.st_uid)}: run all "
                "processes as one user"
            )
    if seen.st_uid != os.getuid():
        yield Finding("permissions", "note", f"the database belongs to {_user(seen.st_uid)}, you are {_user(os.getuid())}")
    for complaint in complaints:
        yield Finding("permissions", "warning", complaint)
    if not complaints:
        yield Finding("permissions", "ok", f"mode {stat.S_IMODE(seen.st_mode):04o}, owner {_user(seen.st_uid)}")


def _user(uid: int) -> str:
    import pwd  # only for the message

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
