"""Tools that load the application for another purpose start nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from integration_tests.harness import Ground, jobs
from integration_tests.harness.shops import APPS

FLASK_PROGRAM = str(Path(sys.executable).with_name("flask"))


def nothing_was_started(ground: Ground) -> bool:
    # A supervisor, once started, stays for seconds; so looking right after the tool's end is enough.
    return not ground.processes() and not ground.supervisors_ever()


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-m", "flask", "--app", "flask_app", "routes"],
        [FLASK_PROGRAM, "--app", "flask_app", "routes"],
        [FLASK_PROGRAM, "--debug", "--app", "flask_app", "routes", "--sort", "rule"],
        [FLASK_PROGRAM, "--app", "flask_app", "--help"],
        [FLASK_PROGRAM, "--app", "flask_app", "list-routes"],
    ],
    ids=["python -m flask routes", "flask routes", "flask --debug routes", "flask --help", "a command of the application"],
)
def test_g8_flask_commands_start_nothing(ground: Ground, command: list[str]) -> None:
    ground.copy(APPS)
    module = ground.code / "flask_app.py"
    module.write_text(f"{module.read_text()}\n\napp.cli.command('list-routes')(lambda: print(app.url_map))\n")
    ended = ground.run(command)
    assert nothing_was_started(ground)
    assert ended.returncode == 0, ended.stdout
    assert "routes" in ended.stdout or "page" in ended.stdout


def test_g8_flask_shell_may_call_a_task_and_starts_nothing(ground: Ground) -> None:
    ground.copy(APPS)
    ended = ground.run(
        [FLASK_PROGRAM, "--app", "flask_app", "shell"],
        stdin="import tasks\nprint('UUID', tasks.version().uuid)\n",
    )
    assert nothing_was_started(ground)
    assert ended.returncode == 0, ended.stdout
    (row,) = jobs.rows(ground.database("shop.db"), "select state from jobs")
    assert row["state"] == "waiting"  # for the next server


@pytest.mark.parametrize(
    "command",
    [["-m", "pytest"], [str(Path(sys.executable).with_name("pytest"))], ["-m", "pytest", "-n", "2"]],
    ids=["python -m pytest", "pytest", "pytest-xdist"],
)
def test_g8_pytest_runs_tasks_in_the_caller_and_starts_nothing(ground: Ground, command: list[str]) -> None:
    ground.copy(APPS)
    ground.write("pytest.ini", "[pytest]\n")
    ground.write(
        "test_shop.py",
        """
import os
import tasks
from flask_app import app

def test_page():
    assert app.test_client().get("/call/version").status_code == 200

def test_result():
    handle = tasks.add(1, 2)
    assert handle.is_ready
    assert handle.result == 3

def test_process():
    assert tasks.where().result["cwd"] == os.getcwd()
""",
    )
    ended = ground.run([sys.executable, *command, "-p", "no:cacheprovider", "test_shop.py"])
    assert nothing_was_started(ground)
    assert ended.returncode == 0, ended.stdout
    assert "3 passed" in ended.stdout
    assert not jobs.rows(ground.database("shop.db"), "select * from jobs")
