"""Commands that change something, on a database that nobody works; ``backup`` and ``doctor``."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from pathlib import Path

import pytest
from command import Filled, fine_here, run_here

from autocron.clock import MICROSECONDS
from autocron.operations import machine


def test_changes_say_when_nobody_is_there_to_hear_of_them(filled: Filled) -> None:
    uuid = filled.failed()
    ended = fine_here(filled.path, "retry", uuid)
    assert ended.out == f"job {uuid} will run again (no supervisor runs now: it holds from the next start on)\n"
    assert filled.store.job(uuid).status == "waiting"


def test_one_bad_uuid_does_not_keep_the_others_from_it(filled: Filled) -> None:
    first, second, unknown = filled.add(), filled.add(), "00000000-0000-8001-8000-000000000000"
    ended = run_here(filled.path, "cancel", first, unknown, second, "--json")
    assert ended.status == 1
    assert ended.json["cancelled"] == [first, second]
    assert [each["uuid"] for each in ended.json["refused"]] == [unknown]
    assert "there is no job" in ended.json["refused"][0]["reason"]


def test_all_failed_jobs_are_chosen_by_task_and_queue(filled: Filled) -> None:
    mails = [filled.failed(queue="mail") for _ in range(3)]
    reports = [filled.failed(task="shop.report") for _ in range(2)]
    assert fine_here(filled.path, "retry", "--all-failed", "--queue", "mail").out.startswith("3 failed jobs will run again")
    assert fine_here(filled.path, "retry", "--all-failed", "--task", "report", "--json").json == {"retried": 2, "refused": 0}
    assert {filled.store.job(uuid).status for uuid in mails + reports} == {"waiting"}


def test_a_failed_job_stays_while_another_with_its_unique_key_waits(filled: Filled) -> None:
    filled.failed(unique_key="ann")
    filled.add(unique_key="ann")
    ended = run_here(filled.path, "retry", "--all-failed")
    assert ended.status == 1
    assert "1 can't: another job with their unique key waits or runs" in ended.out


def test_retry_wants_to_know_which(filled: Filled) -> None:
    for arguments in ([], ["--all-failed", "some-uuid"], ["some-uuid", "--task", "x"]):
        assert run_here(filled.path, "retry", *arguments).status == 2


def test_purge_takes_what_was_asked_for_and_nothing_that_waits(filled: Filled) -> None:
    done, failed, waiting = filled.done(), filled.failed(), filled.add()
    ended = run_here(filled.path, "purge")
    assert ended.status == 2
    assert "say --yes if that is meant" in ended.err
    assert fine_here(filled.path, "purge", "--older-than", "3600", "--yes", "--json").json == {"purged": 0}
    assert fine_here(filled.path, "purge", "--status", "error", "--yes", "--json").json == {"purged": 1}
    assert filled.store.job(failed) is None
    assert filled.store.job(done) is not None
    assert fine_here(filled.path, "purge", "--yes", "--json").json == {"purged": 1}
    assert filled.store.job(done) is None
    assert filled.store.job(waiting).status == "waiting"


def test_pause_without_a_name_is_the_default_queue_and_names_the_others(filled: Filled) -> None:
    filled.add()
    filled.add(queue="mail")
    text = fine_here(filled.path, "pause").out
    assert (
        text
        == "the queue 'default' is paused; 1 job waiting in it, running ones go on\njobs of other queues still start: mail\n"
    )
    assert fine_here(filled.path, "pause", "--all", "--json").json["paused"] == ["default", "mail"]
    assert filled.store.claim(filled.application, 9, "host:1:0", filled.now) == []
    assert fine_here(filled.path, "resume", "--all", "--json").json == {
        "queues": ["default", "mail"], "changed": ["default", "mail"], "paused": [],
    }  # fmt: skip
    assert fine_here(filled.path, "resume", "mail").out == "the queue 'mail' wasn't paused\n"


def test_run_now_is_refused_while_the_last_job_is_unfinished(filled: Filled) -> None:
    filled.schedule()
    uuid = fine_here(filled.path, "run-now", "shop.report", "--json").json["uuid"]
    refused = run_here(filled.path, "run-now", "shop.report")
    assert refused.status == 1
    assert f"job {uuid} of shop.report waits already" in refused.err
    assert fine_here(filled.path, "run-now", "shop.report", "--anyway", "--json").json["uuid"] != uuid


def test_run_now_names_the_schedules_there_are(filled: Filled) -> None:
    filled.schedule("shop.report")
    filled.schedule("other.report")
    assert (
        "there is no schedule 'nothing'; schedules are: other.report, shop.report"
        in run_here(filled.path, "run-now", "nothing").err
    )
    ended = run_here(filled.path, "run-now", "report")
    assert ended.status == 1
    assert "stands for several schedules; say which: other.report, shop.report" in ended.err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("workers", "write NAME=VALUE"),
        ("workers=no", "workers='no': give a whole number"),
        ("wokers=2", "did you mean 'workers'"),
        ("timezone=Europe/Atlantis", "is no time zone known here"),
        ("autocron_lock=perhaps", "give on or off"),
        ("nothing=default", "there is no setting 'nothing'"),
    ],
)
def test_settings_refuse_what_cannot_be(filled: Filled, change: str, message: str) -> None:
    ended = run_here(filled.path, "settings", change)
    assert ended.status == 2
    assert message in ended.err


def test_settings_change_and_go_back(filled: Filled) -> None:
    fine_here(filled.path, "settings", "workers=3", "timezone=Europe/Berlin", "durability=full")
    settings = filled.store.settings()
    assert (settings.workers, settings.timezone, settings.durability) == (3, "Europe/Berlin", "full")
    shown = {each["name"]: each for each in fine_here(filled.path, "settings", "workers=default", "--json").json}
    assert shown["workers"] == {"name": "workers", "value": 1, "default": 1, "stored": False}
    assert shown["durability"]["stored"] is True


def test_a_backup_is_a_complete_database_made_while_the_store_is_open(filled: Filled, tmp_path: Path) -> None:
    uuid = filled.failed()
    copy = tmp_path / "copy.db"
    assert "checked" in fine_here(filled.path, "backup", "copy.db", folder=tmp_path).out
    assert copy.stat().st_mode & 0o777 == 0o600
    assert fine_here(copy, "show", uuid, "--json").json["error"] == "ValueError: no such account"
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
    assert [file.name for file in tmp_path.iterdir() if "part" in file.name] == []
    refused = run_here(filled.path, "backup", copy)
    assert refused.status == 2
    assert f"{copy} is there already" in refused.err
    assert run_here(filled.path, "backup", tmp_path).status == 2
    assert "can't be written" in run_here(filled.path, "backup", tmp_path / "nowhere" / "copy.db").err


def test_doctor_reports_everything_it_looked_at(filled: Filled) -> None:
    ended = run_here(filled.path, "doctor", "--json")
    assert ended.status == 1  # nothing runs
    found = {each["check"]: each for each in ended.json}
    assert set(found) >= {"sqlite", "disk", "space", "permissions", "locks", "integrity", "journal", "jobs"}
    assert found["integrity"]["level"] == "ok"
    assert found["jobs"]["level"] == "problem"
    assert all(set(each) == {"check", "level", "message"} for each in ended.json)


def test_doctor_sees_a_file_that_others_may_read_and_a_paused_queue(filled: Filled) -> None:
    filled.path.chmod(0o644)
    fine_here(filled.path, "pause", "mail")
    text = run_here(filled.path, "doctor").out
    assert "has mode 0644: others may read what jobs carry" in text
    assert "the queue 'mail' is paused; 0 jobs wait in it" in text


@pytest.mark.parametrize("version", [(3, 44, 6), (3, 44, 9), (3, 50, 7), (3, 51, 3), (3, 52, 0), (4, 0, 0)])
def test_a_sqlite_with_the_fix_is_fine(version: tuple[int, ...]) -> None:
    assert machine.sqlite_version(version).level == "ok"


@pytest.mark.parametrize("version", [(3, 37, 0), (3, 44, 5), (3, 45, 0), (3, 50, 6), (3, 51, 2), (3, 51, 0)])
def test_a_sqlite_without_the_fix_is_named(version: tuple[int, ...]) -> None:
    finding = machine.sqlite_version(version)
    assert finding.level == "note"
    assert ".".join(map(str, version)) in finding.message


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_file_system_is_the_innermost_mount(monkeypatch: pytest.MonkeyPatch) -> None:
    from autocron.operations import system

    mounts = "/dev/a / ext4 rw 0 0\nserver:/x /mnt/with\\040blank nfs4 rw 0 0\ntmpfs /mnt tmpfs rw 0 0\n"
    monkeypatch.setattr(Path, "read_text", lambda self, *_: mounts)
    assert system.file_system(Path("/mnt/with blank/jobs.db")) == "nfs4"
    assert system.file_system(Path("/mnt/jobs.db")) == "tmpfs"
    assert system.file_system(Path("/home/jobs.db")) == "ext4"


def test_a_later_job_shows_when_it_starts(filled: Filled) -> None:
    uuid = filled.add(at=filled.now + 7200 * MICROSECONDS)
    assert "at the earliest" in fine_here(filled.path, "show", uuid).out
    assert "in 2 h" in fine_here(filled.path, "jobs").out or "in 1 h 59 min" in fine_here(filled.path, "jobs").out
