"""Everything on a system that really runs: supervisor in the foreground, application process, workers."""

from __future__ import annotations

import signal
from pathlib import Path

from command import PATIENCE, Filled, fine, run, wait_until
from served import Served


def test_supervise_works_the_jobs_of_its_application_and_says_so(served: Served) -> None:
    process = served.start()
    served.wait_until_worked()
    assert served.wait_for(served.call("add(1, b=2)"), "done")["result"] == 3
    status = fine(served.database, "status", "--json").json
    assert status["ok"] is True
    assert status["problems"] == []
    assert status["supervisor"]["pid"] == process.pid
    assert len(status["workers"]) == status["workers_wanted"] == 1
    assert len(status["attached"]) == 1
    assert [each["name"] for each in status["next"]] == ["shop.report"]
    assert f"supervisor {process.pid}" in fine(served.database).out
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0


def test_a_running_job_is_shown_and_cancelled(served: Served) -> None:
    served.start()
    served.wait_until_worked()
    uuid = served.call("sleep(600)")
    served.wait_for(uuid, "running")
    assert "shop.sleep(600)" in fine(served.database).out
    assert fine(served.database, "show", uuid, "--json").json["history"][0]["outcome"] == "running"
    assert "is being ended" in fine(served.database, "cancel", uuid).out
    assert served.wait_for(uuid, "cancelled")["history"][0]["outcome"] == "cancelled"
    again = run(served.database, "cancel", uuid)
    assert again.status == 1
    assert "cancelled already" in again.out


def test_failed_jobs_run_again_by_uuid_and_all_at_once(served: Served) -> None:
    served.start()
    served.wait_until_worked()
    uuids = [served.call(f"fail_once({str(served.folder / name)!r})") for name in ("one", "two")]
    for uuid in uuids:
        assert "no such account" in served.wait_for(uuid, "error")["history"][0]["traceback"]
    fine(served.database, "retry", uuids[0])
    assert served.wait_for(uuids[0], "done")["result"] == "at last"
    assert fine(served.database, "retry", "--all-failed", "--task", "fail_once", "--json").json == {"retried": 1, "refused": 0}
    history = served.wait_for(uuids[1], "done")["history"]
    assert [each["outcome"] for each in history] == ["error", "done"]
    refused = run(served.database, "retry", uuids[1])
    assert refused.status == 1
    assert "is done; only one that failed or was cancelled can be retried" in refused.out


def test_a_paused_queue_stands_still_until_it_is_resumed(served: Served) -> None:
    served.start()
    served.wait_until_worked()
    assert "the queue 'mail' is paused; 0 jobs waiting in it" in fine(served.database, "pause", "mail").out
    mail = served.call("mail('ann')")
    served.wait_for(served.call("add(1)"), "done")  # later, and not held up
    assert served.show(mail)["status"] == "waiting"
    assert fine(served.database, "status", "--json").json["paused"] == {"mail": 1}
    assert fine(served.database, "resume", "mail").out == "jobs of the queue 'mail' start again\n"
    assert served.wait_for(mail, "done")["result"] == "ann"


def test_a_schedule_runs_now(served: Served) -> None:
    served.start()
    served.wait_until_worked()
    before = fine(served.database, "schedules", "--json").json[0]
    uuid = fine(served.database, "run-now", "report", "--json").json["uuid"]
    assert served.wait_for(uuid, "done")["result"] == "reported"
    (after,) = fine(served.database, "schedules", "--json").json
    assert after["next_run_at"] == before["next_run_at"]
    assert after["last_job"]["uuid"] == uuid


def test_more_workers_come_at_once_when_the_settings_say_so(served: Served) -> None:
    served.start()
    served.wait_until_worked()
    assert fine(served.database, "--set-max-workers", "2").out == "each application gets 2 workers\n"
    wait_until("two workers", lambda: len(fine(served.database, "status", "--json").json["workers"]) == 2, served.describe)


def test_the_lock_ends_what_runs(served: Served) -> None:
    process = served.start()
    served.wait_until_worked()
    fine(served.database, "--set-autocron-lock", "on")
    process.wait(PATIENCE)
    assert "switched off by its lock" in run(served.database, "status", "--check").out
    refused = run(served.database, "supervise", "--app", "shop", folder=served.folder)
    assert refused.status == 1
    assert "--set-autocron-lock off" in refused.err


def test_a_database_in_use_is_not_deleted(served: Served) -> None:
    process = served.start()
    served.wait_until_worked()
    ended = run(served.database, "--delete-database", "--yes")
    assert ended.status == 1
    assert str(process.pid) in ended.err
    assert served.database.exists()


def test_a_second_supervisor_is_refused_or_waits_for_the_end_of_the_first(served: Served) -> None:
    first = served.start()
    served.wait_until_worked()
    refused = run(served.database, "supervise", "--app", "shop", folder=served.folder)
    assert refused.status == 1
    assert f"process {first.pid} supervises {served.database} already" in refused.err
    second = served.start("--wait")
    wait_until("the second to wait", lambda: "waiting for its end" in served.log.read_text(), served.describe)
    first.send_signal(signal.SIGTERM)
    first.wait(PATIENCE)
    wait_until(
        "the second to supervise",
        lambda: (fine(served.database, "status", "--json").json["supervisor"] or {}).get("pid") == second.pid,
        served.describe,
    )


def test_supervisor_and_application_process_end_together(served: Served) -> None:
    process = served.start()
    served.wait_until_worked()
    (application,) = fine(served.database, "status", "--json").json["attached"]
    import os

    os.kill(application["pid"], signal.SIGKILL)
    assert process.wait(PATIENCE) == 1
    assert "the application's process has ended" in served.log.read_text()


def test_a_killed_supervisor_leaves_nothing_behind(served: Served) -> None:
    process = served.start()
    served.wait_until_worked()
    pids = served.pids()
    process.kill()
    process.wait()
    assert len(pids) == 3
    wait_until("everything to be gone", lambda: not any(map(_lives, pids)), served.log.read_text)


def _lives(pid: int) -> bool:
    """A zombie that nobody reaps in a container doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_an_attribute_may_hold_the_tasks_or_make_them(served: Served) -> None:
    served.start(app="shop:make()")
    served.wait_until_worked()
    script = "of_the_instance"
    uuid = served.call(f"instance.start({str(served.database)!r}) or shop.{script}()")
    assert served.wait_for(uuid, "done")["result"] == "mine"


def test_an_application_that_cannot_be_imported_is_an_error_with_its_traceback(served: Served) -> None:
    process = served.start(app="shopp")
    assert process.wait(PATIENCE) == 1
    log = served.log.read_text()
    assert "No module named 'shopp'" in log
    assert "the application shopp could not be loaded; nothing is supervised" in log


def test_what_is_no_import_is_a_usage_error(filled: Filled) -> None:
    ended = run(filled.path, "supervise", "--app", "shop.py/")
    assert ended.status == 2
    assert 'must be "package.module"' in ended.err
    disabled = run(filled.path, "supervise", AUTOCRON_DISABLE="1")
    assert disabled.status == 2
    assert "AUTOCRON_DISABLE is set" in disabled.err


def test_a_foreground_supervisor_logs_json_lines(served: Served) -> None:
    import json

    process = served.start("--json")
    served.wait_until_worked()
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
    lines = [json.loads(line) for line in served.log.read_text().splitlines()]
    assert lines[0]["message"].startswith(f"supervisor {process.pid} works")
    assert set(lines[0]) == {"at", "level", "logger", "message"}


def test_without_an_application_named_it_works_for_the_one_that_was_attached_last(served: Served) -> None:
    first = served.start()
    served.wait_until_worked()
    first.send_signal(signal.SIGTERM)
    assert first.wait(PATIENCE) == 0
    uuid = served.call("add(20, b=22)")
    served.start(app=None)
    assert served.wait_for(uuid, "done")["result"] == 42
    served.wait_until_worked()
