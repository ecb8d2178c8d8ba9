"""The doctor: everything that is known to go wrong with a database and the machine around it, looked at."""

from __future__ import annotations

import os
import pwd
import shutil
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from autocron import locations
from autocron.errors import StoreError
from autocron.operations import inquiries, system
from autocron.operations.system import Finding
from autocron.store import SqliteStore
from autocron.store.reports import Reports

_MEGABYTE = 1 << 20
_LITTLE_SPACE, _NO_SPACE = 200 * _MEGABYTE, 20 * _MEGABYTE
_LONG_WAL = 64 * _MEGABYTE
_WRITE_LOCK = 120  # the byte of the -shm file that SQLite locks while it writes to the WAL


def check_up(store: SqliteStore, reports: Reports) -> list[Finding]:
    """All findings, in the order of the checks."""
    path = store.database.path
    findings = [sqlite_version(sqlite3.sqlite_version_info), *_disk(path), *_permissions(path)]
    findings += [*_holders(path), *_file(path, reports)]
    overview = inquiries.status(store, reports)
    findings += [Finding("jobs", "problem", problem) for problem in overview.problems]
    findings += [Finding("jobs", "warning", warning) for warning in overview.warnings]
    findings += [
        Finding("queues", "warning", f"the queue {queue!r} is paused; {number} jobs wait in it")
        for queue, number in overview.paused.items()
    ]
    for application in store.applications():
        executable = application.launch.executable
        if application.id in overview.processes.applications and not os.access(executable, os.X_OK):
            findings.append(Finding("workers", "problem", f"their interpreter {executable} can't be executed any more"))
    if not any(finding.check == "jobs" for finding in findings):
        findings.append(Finding("jobs", "ok", "jobs are being worked"))
    return findings


def sqlite_version(version: tuple[int, ...]) -> Finding:
    """SQLite 3.7.0 to 3.51.2 can lose a commit when two connections checkpoint at once; 3.50.7 and 3.44.6 can't."""
    fixed = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    text = ".".join(map(str, version[:3]))
    if fixed:
        return Finding("sqlite", "ok", f"SQLite {text}")
    return Finding(
        "sqlite",
        "note",
        f"SQLite {text} can lose a commit when two programs checkpoint a WAL at the same moment (fixed in 3.51.3, 3.50.7, "
        "3.44.6). autocron never does; don't write to the file with other programs while it runs",
    )


def _disk(path: Path) -> Iterator[Finding]:
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
    free = shutil.disk_usage(path.parent).free
    message = f"{free // _MEGABYTE} MB free"
    if free < _NO_SPACE:
        yield Finding("space", "problem", f"only {message}: calls will soon fail")
    elif free < max(_LITTLE_SPACE, path.stat().st_size):
        yield Finding("space", "warning", f"only {message}, the database has {path.stat().st_size // _MEGABYTE} MB")
    else:
        yield Finding("space", "ok", message)


def _permissions(path: Path) -> Iterator[Finding]:
    complaints = []
    seen = path.stat()
    if seen.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        complaints.append(f"{path} has mode {stat.S_IMODE(seen.st_mode):04o}: others may read what jobs carry; `chmod 600` it")
    for file in (locations.lock_path(path), locations.wakeup_path(path)):
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
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _holders(path: Path) -> Iterator[Finding]:
    memory = path.with_name(path.name + "-shm")
    stuck = system.lock_holders(memory, _WRITE_LOCK)
    for _ in range(10):  # nobody should hold it that long
        if not stuck:
            break
        time.sleep(0.05)
        stuck &= system.lock_holders(memory, _WRITE_LOCK)
    for pid in sorted(stuck):
        yield Finding("locks", "problem", f"process {pid} has held the write lock for half a second: {system.command_of(pid)}")
    users = [pid for pid in system.users_of(path) if pid != os.getpid()]
    for pid in users:
        command = system.command_of(pid)
        if "sqlite" in command.partition(" ")[0]:
            yield Finding("locks", "warning", f"process {pid} has the database open, too: {command}")
    if not stuck:
        yield Finding("locks", "ok", f"nobody blocks the database; {len(users)} other processes have it open")


def _file(path: Path, reports: Reports) -> Iterator[Finding]:
    try:
        damages = reports.damages()
    except StoreError as error:
        damages = [str(error)]
    for damage in damages:
        yield Finding("integrity", "problem", f"{damage}; restore a backup")
    if not damages:
        yield Finding("integrity", "ok", f"{path.stat().st_size / _MEGABYTE:.1f} MB, no damage")
    mode = reports.journal_mode()
    if mode != "wal":
        yield Finding("journal", "problem", f"the journal mode is {mode}, not wal: another program has changed it; set it back")
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size > _LONG_WAL:
        yield Finding(
            "journal",
            "warning",
            f"the WAL has {log.stat().st_size // _MEGABYTE} MB: a program reads without end, or no supervisor runs",
        )
    elif mode == "wal":
        yield Finding("journal", "ok", "WAL")
