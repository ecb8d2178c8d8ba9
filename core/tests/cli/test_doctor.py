"""Everything that ``doctor`` looks for, brought about."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys

import pytest
from command import Filled, environment, wait_until

from autocron.operations import Finding, Operations, doctor, machine, system

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def found(filled: Filled, check: str) -> list[Finding]:
    operations = Operations(filled.path)
    try:
        return [finding for finding in operations.check_up() if finding.check == check]
    finally:
        operations.close()


def levels(findings: list[Finding]) -> list[str]:
    return [finding.level for finding in findings]


def test_a_sound_database_is_fine_but_for_what_runs_beside_it(filled: Filled) -> None:
    operations = Operations(filled.path)
    findings = {finding.check: finding for finding in operations.check_up()}
    operations.close()
    complaints = {name for name, finding in findings.items() if finding.level in ("warning", "problem")}
    assert complaints - {"space"} == {"jobs"}  # nothing runs
    assert set(findings) == {"sqlite", "disk", "space", "permissions", "locks", "integrity", "journal", "jobs"}


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_network_file_system_is_a_problem(filled: Filled, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(system, "file_system", lambda path: kind)
    (finding,) = found(filled, "disk")
    assert finding.level == "problem"
    assert f"{filled.path} is on a network file system ({kind})" in finding.message


def test_an_unknown_file_system_is_only_noted(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "file_system", lambda path: None)
    assert levels(found(filled, "disk")) == ["note"]


@pytest.mark.parametrize(
    ("free", "level", "words"),
    [
        (10 << 20, "problem", "only 10 MB free: calls will soon fail"),
        (150 << 20, "warning", "only 150 MB free"),
        (300 << 20, "ok", "300 MB free"),
    ],
)
def test_little_free_space_is_told(filled: Filled, monkeypatch: pytest.MonkeyPatch, free: int, level: str, words: str) -> None:
    monkeypatch.setattr(machine, "free_bytes", lambda path: free)
    (finding,) = found(filled, "space")
    assert finding.level == level
    assert words in finding.message


def test_room_for_a_second_copy_of_a_large_database_is_missed(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "free_bytes", lambda path: 300 << 20)
    os.truncate(filled.path, 400 << 20)  # sparse
    assert levels(list(machine.space(filled.path))) == ["warning"]


def test_files_of_different_users_are_told(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.getuid() != 0:
        monkeypatch.setattr(os, "getuid", lambda: 12345)
        (finding,) = machine.permissions(filled.path)
        assert finding.level == "note"
        return
    lock = filled.path.with_name(filled.path.name + "-lock")
    lock.touch()
    os.chown(lock, 12345, -1)
    (finding,) = machine.permissions(filled.path)
    assert finding.level == "warning"
    assert "jobs.db-lock belongs to uid 12345, the database to" in finding.message
    lock.unlink()
    os.chown(filled.path, 12345, -1)
    assert levels(list(machine.permissions(filled.path))) == ["note", "ok"]


@linux
def test_another_program_that_has_the_database_open_is_named(filled: Filled) -> None:
    command = ["sqlite3", "-c", 'exec 3<"$0"; read line', str(filled.path)]  # what it is called is all that tells
    child = subprocess.Popen(command, executable="/bin/sh", stdin=subprocess.PIPE, env=environment())
    try:
        (first,) = wait_until("it to be seen", lambda: [f for f in found(filled, "locks") if f.level == "warning"])
    finally:
        child.communicate()
    assert first.message.startswith(f"process {child.pid} has the database open, too: sqlite3 -c exec 3<")


@linux
def test_who_holds_the_write_lock_for_long_is_a_problem(filled: Filled) -> None:
    blocker = sqlite3.connect(filled.path, isolation_level=None)
    blocker.execute("begin immediate")
    try:
        (finding,) = found(filled, "locks")
    finally:
        blocker.close()
    assert finding.level == "problem"
    assert finding.message.startswith(f"process {os.getpid()} has held the write lock for half a second: ")
    assert levels(found(filled, "locks")) == ["ok"]


def test_another_journal_mode_is_a_problem(filled: Filled) -> None:
    filled.store.close()
    with sqlite3.connect(filled.path) as connection:
        connection.execute("pragma journal_mode = delete")
    connection.close()
    (finding,) = found(filled, "journal")
    assert finding.level == "problem"
    assert "the journal mode is delete, not wal" in finding.message


def test_a_long_log_is_told(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_LONG_WAL", 4096)
    for _ in range(20):
        filled.done()
    (finding,) = found(filled, "journal")
    assert finding.level == "warning"
    assert "a program reads without end, or no supervisor runs" in finding.message


def test_damage_is_told_and_names_the_remedy(filled: Filled) -> None:
    for _ in range(200):
        filled.done(result="x" * 1000)
    filled.store.close()
    with filled.path.open("r+b") as file:
        file.seek(4096 * 40)
        file.write(b"\xff" * 4096)
    findings = found(filled, "integrity")
    assert set(levels(findings)) == {"problem"}
    assert all("restore a backup" in finding.message for finding in findings)
