"""Several applications: on one database, or in one process. Each one's jobs run where its code is."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from integration_tests.harness import Ground, Server, jobs
from integration_tests.harness.ground import PATIENCE

EXAMPLES = Path(__file__).parents[1] / "examples"


class Example(Server):
    """An example in a folder of its own. All examples keep their jobs in the same database."""

    def __init__(self, ground: Ground, name: str, *command: str) -> None:
        self.folder = ground.code / name
        shutil.copytree(EXAMPLES / f"{name}_app", self.folder, ignore=shutil.ignore_patterns("__pycache__"))
        super().__init__(ground, lambda port: [sys.executable, *(word.format(port=port) for word in command)], cwd=self.folder)

    def order(self, title: str) -> str:
        """Order a report; its uuid."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("POST", f"/reports?title={title}", headers={"Content-Length": "0"})
            response = connection.getresponse()
            body = response.read()
            assert response.status == 202, f"{response.status} {body!r}\n{self.ground.evidence()}"
            return str(json.loads(body)["uuid"])
        finally:
            connection.close()

    def report(self, uuid: str) -> dict[str, Any]:
        """The result of a report, once it is done."""

        def look() -> dict[str, Any] | None:
            facts = json.loads(self.get(f"/reports/{uuid}"))
            assert facts["status"] in ("waiting", "running", "done"), facts
            return facts["result"] if facts["status"] == "done" else None

        return self.ground.wait_until(look, f"the report {uuid} is done")


def folder_of(pid: int) -> str:
    """Where a process is; "" when it has ended."""
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""


def test_g1_two_applications_on_one_database_have_one_supervisor_and_workers_of_their_own(ground: Ground) -> None:
    asgi = Example(ground, "starlette", "-m", "uvicorn", "application:app", "--port", "{port}")
    wsgi = Example(ground, "bottle", "application.py")
    for mine, other in ((asgi, wsgi), (wsgi, asgi)):
        uuid = mine.order("Sales")
        worker = mine.report(uuid)["pid"]
        assert folder_of(worker) == str(mine.folder)
        assert other.report(uuid)["pid"] == worker  # whoever has the uuid finds the job
    assert len(ground.supervisors_ever()) == 1

    # Both have a function tasks.heartbeat: for the database it is one schedule, and each of its slots makes one job.
    database = ground.database("reports.db")
    slots = ground.wait_until(
        lambda: (
            len(found := jobs.rows(database, "select slot, count(*) as jobs from jobs where slot is not null group by slot"))
            > 2
            and found
        ),
        "three slots have passed",
    )
    assert {row["jobs"] for row in slots} == {1}


def test_g43_a_schedule_that_two_applications_share_goes_on_when_one_of_them_ends(ground: Ground) -> None:
    asgi = Example(ground, "starlette", "-m", "uvicorn", "application:app", "--port", "{port}")
    wsgi = Example(ground, "bottle", "application.py")
    wsgi.report(wsgi.order("Sales"))
    asgi.end()
    ground.wait_until(
        lambda: not [worker for worker in ground.workers() if folder_of(worker.pid) == str(asgi.folder)],
        "the workers of the one that has ended are gone",
    )
    database = ground.database("reports.db")
    (last,) = jobs.rows(database, "select max(id) as id from jobs")
    ground.wait_until(
        lambda: jobs.rows(database, "select 1 from jobs where slot is not null and state = 'done' and id > ?", last["id"]),
        "the other one's workers run the next slot",
    )
    assert len(ground.supervisors_ever()) == 1


BOTH = """
import autocron
import flask_autocron
import starlette_autocron
from flask import Flask, current_app
from starlette.applications import Starlette
from starlette.testclient import TestClient

flask_app = Flask(__name__)
flask_app.config["AUTOCRON_DATABASE"] = "shop.db"
flask_autocron.init_app(flask_app)
starlette_app = Starlette(lifespan=starlette_autocron.lifespan("shop.db", threads=2))


@autocron.delay
def name():
    return current_app.name
"""


def test_g60_two_adapters_in_one_process_share_an_instance_and_its_jobs_have_the_context_of_both(ground: Ground) -> None:
    ground.write("both.py", BOTH)
    said = ground.python(
        """
        import autocron, both
        from starlette.testclient import TestClient

        if __name__ == "__main__":
            assert autocron.start("shop.db") is False  # a third time
            with TestClient(both.starlette_app):
                print("NAME", both.name().wait(60))
            try:
                both.name()
            except autocron.NotStartedError:
                print("DETACHED")  # by the end of the lifespan: stop() is for the whole instance
        """
    )
    assert "NAME both" in said
    assert "DETACHED" in said
    assert len(ground.supervisors_ever()) == 1


def test_g66_a_second_database_in_one_process_needs_an_instance_of_its_own(ground: Ground) -> None:
    ground.write("both.py", BOTH)
    ground.write(
        "second.py",
        "import autocron\n\nother = autocron.Autocron()\n\n@other.delay\ndef double(number):\n    return 2 * number\n",
    )
    said = ground.python(
        """
        import autocron, both, second

        if __name__ == "__main__":
            try:
                autocron.start("other.db")
            except autocron.ConfigurationError as error:
                print("REFUSED", error)
            second.other.start("other.db")
            print("RESULTS", both.name().wait(60), second.double(21).wait(60))
        """
    )
    refused = next(line for line in said.splitlines() if line.startswith("REFUSED"))
    assert "use an Autocron() instance of its own for a second database" in refused
    assert "RESULTS both 42" in said
    tasks = {name: jobs.rows(ground.database(name), "select task from jobs") for name in ("shop.db", "other.db")}
    assert tasks == {"shop.db": [{"task": "both.name"}], "other.db": [{"task": "second.double"}]}
