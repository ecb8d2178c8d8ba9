"""The examples without an adapter: one line starts autocron, and the reload, the end and the result need no more."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from integration_tests.harness import Ground, Server, ask, jobs

EXAMPLES = Path(__file__).parents[1] / "examples"


@dataclass(frozen=True)
class Example:
    framework: str
    command: Callable[[int], Sequence[str]]
    page: str = "/"
    module: str = "utils"

    @property
    def folder(self) -> Path:
        return EXAMPLES / f"plain_{self.framework}"

    @property
    def database(self) -> str:
        return f"the_{self.framework}_app.db"


def python(port: int) -> Sequence[str]:
    return [sys.executable, "application.py"]


def flask(port: int) -> Sequence[str]:
    return [sys.executable, "-m", "flask", "--app", "application", "run", "--port", str(port)]


def uvicorn(port: int) -> Sequence[str]:
    return [sys.executable, "-m", "uvicorn", "application:app", "--port", str(port)]


ALL = [
    Example("flask", flask, module="application"),
    Example("bottle", python, page="/hello"),
    Example("pyramid", python),
    Example("tornado", python),
    Example("starlette", uvicorn),
]
every_example = pytest.mark.parametrize("example", ALL, ids=[example.framework for example in ALL])


def weight(ground: Ground) -> int:
    return sum(file.stat().st_size for file in ground.code.glob("*.py"))


@every_example
def test_a_request_runs_a_job_in_another_process_and_its_uuid_finds_the_result(ground: Ground, example: Example) -> None:
    ground.copy(example.folder)
    expected = weight(ground)
    server = Server(ground, example.command)
    uuid = server.call(example.page)

    database = ground.database(example.database)
    row = ground.wait_until(lambda: (found := jobs.job(database, uuid))["state"] == "done" and found, "the job is done")
    assert row["task"] == f"{example.module}.weigh_sources"
    assert row["worker"] in {process.pid for process in ground.workers()}
    said = ground.wait_until(
        lambda: re.search(r"process (\d+) weighed the sources: (\d+) bytes", server.said), "the task's print is seen"
    )
    assert int(said[1]) == row["worker"] != server.popen.pid
    assert int(said[2]) == expected

    answer = ask(ground, example.database, uuid)
    assert answer["pid"] not in (server.popen.pid, row["worker"])
    assert (answer["status"], answer["value"], answer["result"]) == ("done", expected, expected)
    assert answer["is_ready"]
    assert not answer["has_error"]

    (schedule,) = ground.wait_until(lambda: jobs.rows(database, "select * from schedules"), "the schedule is known")
    assert schedule["task"] == f"{example.module}.note_free_space"
    assert schedule["next_run_at"] % 60_000_000 == 0  # each minute

    server.end(signal.SIGKILL)
    ground.wait_until_nobody_is_left()


def test_flask_may_start_autocron_at_the_end_of_the_module(ground: Ground) -> None:
    text = (EXAMPLES / "plain_flask" / "application.py").read_text()
    start = 'autocron.start("the_flask_app.db")\n'
    assert text.count(start) == 1
    ground.write("application.py", text.replace(start, "") + "\n\n" + start)
    server = Server(ground, flask)
    answer = ask(ground, "the_flask_app.db", server.call())
    assert answer["value"] == weight(ground)
