"""``status --check`` on systems that live and yet work nothing; what ``doctor`` says of them."""

from __future__ import annotations

import os
import signal
import sqlite3

import pytest
from command import Filled, fine, run, wait_until
from served import Served

from autocron.operations import inquiries


def test_a_stopped_supervisor_is_no_healthy_one(served: Served) -> None:
    process = served.start()
    served.wait_until_worked()
    assert fine(served.database, "status", "--check").out == "ok: jobs are being worked\n"
    process.send_signal(signal.SIGSTOP)
    try:
        wait_until("the stop to be seen", lambda: served.operations.status().problems)
        ended = run(served.database, "status", "--check")
    finally:
        process.send_signal(signal.SIGCONT)
    assert ended.status == 1
    assert ended.out == f"the supervisor, process {process.pid}, is stopped: `kill -CONT {process.pid}`\n"
    served.wait_until_worked()


def test_a_supervisor_that_hangs_is_noticed_and_the_doctor_names_who_blocks_it(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = served.start()
    served.wait_until_worked()
    served.call("sleep(600)")
    wait_until("a worker to have it", lambda: any(each.worker for each in served.operations.status().running), served.describe)
    (running,) = served.operations.status().running
    blocker = sqlite3.connect(served.database, isolation_level=None)
    blocker.execute("begin immediate")
    try:
        assert running.worker
        os.kill(running.worker, signal.SIGKILL)  # there is something to store
        with monkeypatch.context() as patched:
            patched.setattr(inquiries, "REACTION_SECONDS", 0.3)
            wait_until("the supervisor to hang", lambda: not served.operations.status().jobs_are_worked)
            findings = served.operations.check_up()
        ended = run(served.database, "status", "--check")
    finally:
        blocker.close()
    assert ended.status == 1
    assert f"the supervisor, process {process.pid}, hasn't reacted for 5 s" in ended.out
    (blocks,) = [finding.message for finding in findings if finding.check == "locks" and finding.level == "problem"]
    assert f"process {os.getpid()} has held the write lock" in blocks
    assert any("hasn't reacted" in finding.message for finding in findings if finding.check == "jobs")
    served.wait_until_worked()


def test_the_status_says_which_worker_runs_what(served: Served) -> None:
    served.start()
    served.wait_until_worked()
    uuid = served.call("sleep(600)")
    wait_until("a worker to have it", lambda: any(each.worker for each in served.operations.status().running), served.describe)
    status = fine(served.database, "status", "--json").json
    (running,) = status["running"]
    (worker,) = [each["pid"] for each in status["workers"]]
    assert (running["uuid"], running["worker"]) == (uuid, worker)
    assert running["running_seconds"] > 0
    assert f"shop.sleep(600)  worker {worker}  attempt 1  {uuid}" in fine(served.database).out
    assert fine(served.database, "show", uuid, "--json").json["history"][0]["worker"] == worker
    fine(served.database, "cancel", uuid)


def test_a_schedule_that_was_due_and_did_not_fire_is_a_problem(served: Served) -> None:
    process = served.start()
    served.wait_until_worked()
    process.send_signal(signal.SIGSTOP)
    try:
        with sqlite3.connect(served.database) as connection:
            connection.execute("update schedules set next_run_at = next_run_at - 2 * 3600 * 1000000")
        connection.close()
        problems = served.operations.status().problems
    finally:
        process.send_signal(signal.SIGCONT)
    assert [each for each in problems if each.startswith("shop.report has been due for")]


def test_the_status_warns_of_what_the_doctor_would(filled: Filled) -> None:
    filled.path.chmod(0o640)
    status = fine(filled.path, "status", "--json").json
    assert [(each["check"], each["level"]) for each in status["surroundings"]] == [("permissions", "warning")]
    assert "has mode 0640: others may read what jobs carry" in fine(filled.path).out
