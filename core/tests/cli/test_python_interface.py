"""The same functions for programs: methods of ``Autocron``, functions of the package."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from command import PATIENCE, environment
from served import Served

import autocron

SCRIPT = """
import json, os, sys, time
from pathlib import Path

sys.path.insert(0, sys.argv[2])
import autocron, shop

def waited(look):
    deadline = time.monotonic() + 50
    while not (seen := look()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return seen

folder = Path(sys.argv[2])
autocron.start(sys.argv[1])
said = {}
said["paused"] = [autocron.pause("mail"), autocron.pause("mail"), dict(autocron.status().paused)]
mail = shop.mail("ann")
said["waiting"] = [job.uuid == mail.uuid for job in autocron.jobs(queue="mail", status=autocron.WAITING)]
said["resumed"] = autocron.resume("mail")
said["mail"] = mail.wait(50)
said["done"] = [job.task for job in autocron.jobs(task="mail", status="done")]
once = shop.fail_once(str(folder / "marker"))
waited(lambda: once.is_ready)
said["attempts"] = [(attempt.outcome, attempt.error) for attempt in autocron.show(once.uuid).attempts]
autocron.retry(once.uuid)
said["again"] = autocron.TaskResult.get(once.uuid).wait(50)
sleeper = shop.sleep(600)
waited(lambda: sleeper.status == "running")
said["cancel"] = str(autocron.cancel(sleeper.uuid))
waited(lambda: sleeper.is_ready)
said["cancelled"] = str(sleeper.status)
said["schedules"] = [(report.schedule.name, report.active) for report in autocron.default.schedules()]
said["run now"] = autocron.run_now("report").wait(50)
said["failed"] = autocron.retry_failed()
said["backup"] = autocron.backup(folder / "copy.db") == (folder / "copy.db").stat().st_size
said["problems"] = autocron.status().problems
said["attached"] = os.getpid() in [each.pid for each in autocron.status().processes.attached]
said["checks"] = sorted({finding.check for finding in autocron.doctor()})
said["metrics"] = "autocron_healthy 1\\n" in autocron.metrics()
said["purged"] = autocron.purge(task="mail")
try:
    autocron.cancel(mail.uuid)
except autocron.JobNotFoundError as error:
    said["not found"] = str(error)
print(json.dumps(said))
"""


def test_a_program_asks_and_changes_what_the_command_line_does(served: Served) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", f"if __name__ == '__main__': exec({SCRIPT!r})", str(served.database), str(served.folder)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=environment(),
        cwd=served.folder,
    )
    assert ended.returncode == 0, ended.stderr
    said = json.loads(ended.stdout.splitlines()[-1])
    not_found = said.pop("not found")
    assert "there is no job" in not_found
    assert set(said.pop("checks")) >= {"sqlite", "disk", "space", "permissions", "locks", "integrity", "journal", "jobs"}
    assert said == {
        "paused": [True, False, {"mail": 0}],
        "waiting": [True],
        "resumed": True,
        "mail": "ann",
        "done": ["shop.mail"],
        "attempts": [["error", "ValueError: no such account"]],
        "again": "at last",
        "cancel": "running",
        "cancelled": "cancelled",
        "schedules": [["shop.report", True]],
        "attached": True,
        "run now": "reported",
        "failed": [0, 0],
        "backup": True,
        "problems": [],
        "metrics": True,
        "purged": 1,
    }


def test_without_a_database_the_questions_say_why() -> None:
    instance = autocron.Autocron()
    with pytest.raises(autocron.InvalidStateError, match="autocron is inactive in this process"):
        instance.status()
