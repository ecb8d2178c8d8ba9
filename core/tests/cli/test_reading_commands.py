"""Commands that look: what they print, and the shape of their JSON."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from pathlib import Path

import pytest
from command import COMMAND, PATIENCE, Filled, environment, fine_here, run_here, uuids_in

from autocron import codec
from autocron.clock import MICROSECONDS
from autocron.model import NewJob
from autocron.operations import make_database
from autocron.store import migrations

READING = [
    "status",
    "jobs",
    "show 00000000-0000-8001-8000-000000000000",
    "schedules",
    "settings",
    "doctor",
    "metrics",
    "watch --count 1",
]
JOB_KEYS = set(
    "uuid task status held queue priority attempts schedule created_at run_at started_at finished_at error progress".split()
)


@pytest.mark.parametrize("command", [*READING, "", "retry --all-failed", "pause", "purge --yes", "backup copy.db", "supervise"])
def test_an_unknown_database_is_named_and_never_made(tmp_path: Path, command: str) -> None:
    ended = run_here(tmp_path / "jobs.db", *command.split(), folder=tmp_path)
    assert ended.status == 1
    assert f"there is no database {tmp_path / 'jobs.db'}" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_a_name_is_looked_for_in_the_home_folder_and_one_beside_us_is_hinted_at(tmp_path: Path) -> None:
    (tmp_path / ".autocron").mkdir()
    here = tmp_path / "here"
    here.mkdir()
    (here / "jobs.db").touch()
    ended = run_here("jobs.db", "status", folder=here, HOME=str(tmp_path))
    assert ended.status == 1
    assert (
        f"there is no database {tmp_path / '.autocron' / 'jobs.db'} (there is one in the current folder: {here / 'jobs.db'})"
        in ended.err
    )


def test_errors_are_json_where_json_was_asked_for(tmp_path: Path) -> None:
    ended = run_here(tmp_path / "jobs.db", "jobs", "--json")
    assert ended.status == 1
    assert "there is no database" in ended.json["error"]


def test_a_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a database, but longer than a header of SQLite would be: " * 20)
    ended = run_here(text, "status")
    assert ended.status == 1
    assert "not an autocron database" in ended.err
    assert text.read_text().startswith("not a database")


def of_the_first_schema(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = wal", f"application_id = {migrations.APPLICATION_ID}", "user_version = 1"):
        connection.execute(f"pragma {pragma}")
    connection.executescript((Path(migrations.__file__).parent / "schema" / "0001_initial.sql").read_text())
    connection.close()


@pytest.mark.parametrize("command", ["status", "retry --all-failed"])
def test_g34_a_database_of_an_older_version_is_not_upgraded_under_a_running_system(tmp_path: Path, command: str) -> None:
    old = tmp_path / "jobs.db"
    of_the_first_schema(old)
    before = old.read_bytes()
    ended = run_here(old, *command.split())
    assert ended.status == 1
    assert f"{old} was made by an older version of autocron (schema 1, this one needs {migrations.NEWEST})" in ended.err
    assert "Start the application with this version, which upgrades it" in ended.err
    assert old.read_bytes() == before
    make_database(old)
    fine_here(old, *command.split())


def test_an_empty_file_is_no_database_and_stays_empty(tmp_path: Path) -> None:
    (tmp_path / "jobs.db").touch()
    ended = run_here(tmp_path / "jobs.db", "jobs")
    assert ended.status == 1
    assert "jobs.db is empty; start() makes a database of it" in ended.err
    assert (tmp_path / "jobs.db").stat().st_size == 0


def test_status_counts_every_state_and_says_that_nothing_runs(filled: Filled) -> None:
    filled.held()
    filled.running()
    filled.done()
    filled.failed()
    oldest = filled.add()
    filled.add(at=filled.now + 3600 * MICROSECONDS)
    cancelled = filled.add()
    filled.store.cancel(cancelled, filled.now + 10**10, filled.now)
    status = fine_here(filled.path, "status", "--json").json
    assert status["counts"] == {
        "waiting": 3, "ready": 1, "later": 1, "held": 1, "behind": 0, "running": 1, "done": 1, "error": 1, "cancelled": 1,
    }  # fmt: skip
    assert status["ok"] is False
    assert status["supervisor"] is None
    assert status["problems"] == ["no supervisor runs: no process that called start() lives, and no `supervise` command"]
    assert status["held"] == [{"task": "shop.unknown", "jobs": 1, "reason": "the running code has no task shop.unknown"}]
    assert status["oldest_waiting"]["uuid"] == oldest
    assert status["last_hour"] == {"done": 1, "error": 1}
    assert len(status["running"]) == 1
    text = fine_here(filled.path).out
    assert "3 waiting (1 later, 1 held), 1 running, 1 done, 1 error, 1 cancelled" in text
    assert "shop.mail('ann@example.com')" in text
    assert oldest in text


def test_check_gives_reasons_and_exit_status_1_while_nothing_runs(filled: Filled) -> None:
    ended = run_here(filled.path, "status", "--check")
    assert (ended.status, ended.out) == (
        1,
        "no supervisor runs: no process that called start() lives, and no `supervise` command\n",
    )
    fine_here(filled.path, "--set-autocron-lock", "on")
    assert "switched off by its lock" in run_here(filled.path, "status", "--check").out


def test_jobs_are_filtered_sorted_and_limited(filled: Filled) -> None:
    first, failed = filled.done(), filled.failed(queue="mail")
    later, soon = filled.add(at=filled.now + 9 * 10**9), filled.add("shop.report", at=filled.now + 10**9)

    def found(*options: str) -> list[str]:
        return uuids_in(fine_here(filled.path, "jobs", "--json", *options).json)

    assert found() == [soon, later, failed, first]
    assert found("--sort", "oldest", "--limit", "2") == [first, failed]
    assert found("--status", "waiting", "--sort", "next") == [soon, later]
    assert found("--sort", "longest", "--limit", "1") == [first]
    assert found("--sort", "finished", "--limit", "2") == [first, failed]
    assert found("--status", "error") == found("--queue", "mail") == [failed]
    assert found("--task", "shop.report") == found("--task", "report") == [soon]
    assert found("--task", "port") == []


def test_a_job_has_the_documented_keys(filled: Filled) -> None:
    filled.failed()
    (job,) = fine_here(filled.path, "jobs", "--json").json
    assert set(job) == JOB_KEYS
    assert job["created_at"].endswith("+00:00")
    assert job["error"] == "ValueError: no such account"


def test_jobs_in_a_pipe_are_one_line_each_and_complete(filled: Filled) -> None:
    uuid = filled.failed(error="ValueError: " + "long " * 60, task="a_rather_long.name_of.a_package.with_a.function")
    header, line = fine_here(filled.path, "jobs").out.splitlines()
    assert header.split() == ["UUID", "STATUS", "WHEN", "TRIES", "TASK", "ERROR"]
    assert line.startswith(uuid)
    assert "a_rather_long.name_of.a_package.with_a.function" in line
    assert line.endswith(("long " * 60).strip())
    assert "\x1b" not in line


def test_show_has_the_call_and_every_attempt(filled: Filled) -> None:
    uuid = filled.add("shop.mail", "ann@example.com", ("a", 1), policy='{"retries": 1}')
    claim = filled.run_one()
    filled.store.retry_later(claim, "OSError: first", "Traceback one\n", 7, filled.now, filled.now + MICROSECONDS)
    filled.store.finish(filled.run_one(), codec.encode_value({"sent": 1}), 8, filled.now + 10**9, filled.now + 2 * MICROSECONDS)
    text = fine_here(filled.path, "show", uuid).out
    assert "shop.mail('ann@example.com', ('a', 1))" in text
    assert "result      {'sent': 1}" in text
    assert "attempt 1: error" in text
    assert "Traceback one" in text
    assert "attempt 2: done" in text
    shown = fine_here(filled.path, "show", uuid, "--json").json
    assert set(shown) > JOB_KEYS
    assert shown["args"] == ["ann@example.com", {"$tuple": ["a", 1]}]
    assert shown["options"] == {"retries": 1}
    assert [(each["attempt"], each["outcome"], each["worker"]) for each in shown["history"]] == [
        (1, "error", 7),
        (2, "done", 8),
    ]


def test_show_never_opens_a_pickle(filled: Filled, tmp_path: Path) -> None:
    arguments = codec.encode_call((Path("/x"),), {}, serializer="pickle")
    (uuid,) = filled.store.add([NewJob("shop.mail", arguments, filled.application)], filled.now)
    assert "characters of pickle" in fine_here(filled.path, "show", uuid).out
    assert fine_here(filled.path, "show", uuid, "--json").json["args"] == arguments


def test_an_unknown_uuid_is_an_error(filled: Filled) -> None:
    for uuid in ("00000000-0000-8001-8000-000000000000", "nonsense"):
        ended = run_here(filled.path, "show", uuid)
        assert ended.status == 1
        assert f"there is no job {uuid}" in ended.err


def test_schedules_are_listed_in_words_with_their_last_job(filled: Filled) -> None:
    filled.schedule()
    text = fine_here(filled.path, "schedules").out
    assert "shop.report" in text
    assert "Every hour" in text
    assert "not attached" in text
    (shape,) = fine_here(filled.path, "schedules", "--json").json
    assert shape["words"] == "Every hour"
    assert shape["active"] is False
    assert shape["last_job"] is None
    fine_here(filled.path, "run-now", "report")
    (shape,) = fine_here(filled.path, "schedules", "--json").json
    assert shape["last_job"]["status"] == "waiting"


def test_watch_in_a_pipe_prints_one_object_a_line(filled: Filled) -> None:
    lines = fine_here(filled.path, "watch", "--count", "2", "--interval", "0", "--json").out.splitlines()
    assert [json.loads(line)["ok"] for line in lines] == [False, False]


def test_a_reader_that_has_gone_is_no_reason_for_a_traceback(filled: Filled) -> None:
    filled.add()
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run(
            [*COMMAND, str(filled.path), "jobs"],
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
            timeout=PATIENCE,
            env=environment(),
        )
    finally:
        os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, b"")
