"""The doctor: everything that is known to go wrong with a database and the machine around it, looked at."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from autocron.errors import StoreError
from autocron.operations import inquiries, machine, system
from autocron.operations.system import Finding
from autocron.processes.wakeup import WakeUpWriter
from autocron.store import SqliteStore
from autocron.store.reports import Reports

_MEGABYTE = 1 << 20
_LONG_WAL = 64 * _MEGABYTE
_WRITE_LOCK = 120  # the byte of the -shm file that SQLite locks while it writes to the WAL


def check_up(store: SqliteStore, reports: Reports, wakeup: WakeUpWriter, own: int | None) -> list[Finding]:
    """All findings, in the order of the checks."""
    path = Path(store.database.path)
    findings = [machine.sqlite_version(sqlite3.sqlite_version_info), *machine.surroundings(path)]
    findings += [*_holders(path), *_file(path, reports)]
    overview = inquiries.status(store, reports, wakeup, own)
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
