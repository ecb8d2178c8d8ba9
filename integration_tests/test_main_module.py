"""Tasks that are defined in the program's own file."""

from __future__ import annotations

import sys

import pytest

from integration_tests.harness import Ground, Server, jobs

GUARDED = """
import os
import autocron

@autocron.delay
def double(number: int) -> int:
    return 2 * number

autocron.start("shop.db")

if __name__ == "__main__":
    handle = double(21)
    print("RESULT", handle.wait(60), handle.task)
"""

UNGUARDED = """
import autocron

@autocron.delay
def double(number: int) -> int:
    return 2 * number

autocron.start("shop.db")
try:
    double(21)
except autocron.TaskDefinitionError as error:
    print("REFUSED", error)
"""

GUARDED_SERVER = """
import os
import autocron
from flask import Flask

app = Flask(__name__)
autocron.start("shop.db")

@autocron.delay
def double(number: int) -> int:
    return 2 * number

@autocron.cron("* * * * * *", dialect="unix")
def beat() -> None:
    print("a beat", os.getpid(), flush=True)

@app.route("/")
def page():
    return double(21).uuid

if __name__ == "__main__":
    app.run(port=int(os.environ["PORT"]))
"""


@pytest.mark.parametrize(
    ("name", "command", "task"),
    [
        ("application.py", ["application.py"], "application.double"),
        ("shop/orders.py", ["shop/orders.py"], "orders.double"),
        ("shop/orders.py", ["-m", "shop.orders"], "shop.orders.double"),
        ("shop/__main__.py", ["-m", "shop"], "shop.__main__.double"),
    ],
)
def test_g9_tasks_of_a_guarded_main_module_run(ground: Ground, name: str, command: list[str], task: str) -> None:
    ground.write(name, GUARDED)
    ended = ground.run([sys.executable, *command])
    assert ended.returncode == 0, ended.stdout
    assert f"RESULT 42 {task}" in ended.stdout
    rows = jobs.rows(ground.database("shop.db"), "select task from jobs")
    assert [row["task"] for row in rows] == [task]


def test_g9_tasks_and_schedules_of_a_guarded_server_script_run(ground: Ground) -> None:
    ground.write("server.py", GUARDED_SERVER)
    server = Server(ground, lambda port: [sys.executable, "server.py"])
    uuid = server.call("/")
    database = ground.database("shop.db")
    row = ground.wait_until(lambda: (row := jobs.job(database, uuid))["state"] == "done" and row, "the job is done")
    assert (row["task"], row["result"]) == ("server.double", "42")
    ground.wait_until(lambda: "a beat" in server.said, "the schedule has fired")
    assert len(ground.supervisors_ever()) == 1


def test_g9_a_call_in_an_unguarded_main_module_fails_at_once_with_the_remedy(ground: Ground) -> None:
    ground.write("application.py", UNGUARDED)
    ended = ground.run([sys.executable, "application.py"])
    assert ended.returncode == 0, ended.stdout
    refused = next(line for line in ended.stdout.splitlines() if line.startswith("REFUSED"))
    assert 'if __name__ == "__main__":' in refused
    assert "application.py" in refused
    assert not jobs.rows(ground.database("shop.db"), "select * from jobs")
    assert ended.stdout.count("REFUSED") == 1  # nobody imported the program a second time


def unguarded() -> str:
    text = GUARDED_SERVER.replace('if __name__ == "__main__":\n    app.run', "app.run")
    assert text != GUARDED_SERVER
    return text


def test_g9_an_unguarded_server_with_a_schedule_does_not_even_start_and_names_the_remedy(ground: Ground) -> None:
    ground.write("server.py", unguarded())
    ended = ground.run([sys.executable, "server.py"], environment={"PORT": "0"})
    assert ended.returncode == 1, ended.stdout
    assert "TaskDefinitionError" in ended.stdout
    assert 'if __name__ == "__main__":' in ended.stdout


def test_g9_a_request_that_calls_a_task_of_an_unguarded_server_fails_and_the_log_names_the_remedy(ground: Ground) -> None:
    ground.write("server.py", unguarded().replace('@autocron.cron("* * * * * *", dialect="unix")\n', ""))
    server = Server(ground, lambda port: [sys.executable, "server.py"])
    status, _ = server.answer("/")
    assert status == 500
    assert "TaskDefinitionError" in server.said
    assert 'if __name__ == "__main__":' in server.said
    assert not jobs.rows(ground.database("shop.db"), "select * from jobs")


def test_g9_a_script_from_standard_input_is_refused_with_the_remedy(ground: Ground) -> None:
    ended = ground.run([sys.executable, "-"], stdin=UNGUARDED)
    assert ended.returncode == 0, ended.stdout
    assert "REFUSED" in ended.stdout
    assert "module" in next(line for line in ended.stdout.splitlines() if line.startswith("REFUSED"))
