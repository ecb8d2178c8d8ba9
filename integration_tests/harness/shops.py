"""The test applications under every server: what is on the command line, and what they can be told."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from integration_tests.harness import jobs
from integration_tests.harness.ground import Ground
from integration_tests.harness.jobs import Row
from integration_tests.harness.processes import Process
from integration_tests.harness.servers import Server

APPS = Path(__file__).parents[1] / "apps"

COMMANDS = {
    "flask run": "-m flask --app flask_app run --port {port}",
    "flask run --debug": "-m flask --app flask_app run --debug --port {port}",
    "flask run --debug --no-reload": "-m flask --app flask_app run --debug --no-reload --port {port}",
    "gunicorn 4 workers": "-m gunicorn flask_app:app --bind 127.0.0.1:{port} --workers 4",
    "gunicorn --preload": "-m gunicorn flask_app:app --bind 127.0.0.1:{port} --workers 2 --preload",
    "uvicorn": "-m uvicorn starlette_app:app --port {port}",
    "waitress": "-m waitress --listen 127.0.0.1:{port} flask_app:app",
}


class Shop(Server):
    """A server of the test applications."""

    def __init__(
        self, ground: Ground, name: str, *, environment: Mapping[str, str | None] | None = None, apps: Path | None = APPS
    ) -> None:
        command = COMMANDS.get(name, name)
        if apps is not None:  # else what is there already
            ground.copy(apps)
        super().__init__(
            ground,
            lambda port: [sys.executable, *command.format(port=port).split()],
            environment={"GROUND": str(ground.home), **(environment or {})},
        )

    def job(self, uuid: str, database: str = "shop.db") -> Row:
        """The job's row as it is now."""
        return jobs.job(self.ground.database(database), uuid)

    def result(self, uuid: str, database: str = "shop.db") -> str:
        """What the job came to, as the codec's text, once it is done."""
        row = self.ground.wait_until(
            lambda: (row := self.job(uuid, database))["state"] not in ("waiting", "running") and row, "the job has ended"
        )
        assert row["state"] == "done", row
        return str(row["result"])

    def hold(self, name: str, task: str = "hold") -> str:
        """The uuid of a job that runs by now, and until ``open_gate``."""
        uuid = self.call(f"/call/{task}/{name}")
        self.ground.wait_until((self.ground.home / f"{name}-began").exists, f"the job {name} has begun")
        self.ground.wait_until(lambda: self.job(uuid)["state"] == "running", f"the job {name} is running")
        return uuid

    def open_gate(self, name: str) -> None:
        (self.ground.home / f"{name}-gate").touch()

    def began(self, name: str) -> list[int]:
        """The processes in which the job ``name`` began, one for each time."""
        return [int(line) for line in (self.ground.home / f"{name}-began").read_text().split()]

    def code(self) -> tuple[str, int]:
        """Version and process id of whoever answers."""
        version, pid = self.get("/code").split()
        return version, int(pid)

    def answering(self, count: int) -> set[int]:
        """The processes that answer, once so many have."""
        pids: set[int] = set()

        def enough() -> bool:
            pids.add(self.code()[1])
            return len(pids) >= count

        self.ground.wait_until(enough, f"{count} processes have answered")
        return pids

    def deploy(self, version: str) -> None:
        """New code in place of the old, of another length: Python takes a cached module of equal age and length for it."""
        path = self.ground.code / "tasks.py"
        text = path.read_text()
        before = text[text.index("VERSION = ") :].split("\n", 1)[0]
        path.write_text(text.replace(before, f'VERSION = "{version}"'))

    def web_processes(self) -> list[Process]:
        """Everything of the server itself."""
        return [p for p in self.ground.processes() if not p.is_worker and not p.is_supervisor]
