"""An example under a server, as its users see it: ask for a report, and look after it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from typing import Any

from integration_tests.harness import Ground, Process, Server, jobs
from integration_tests.harness.ground import PATIENCE
from integration_tests.harness.jobs import Row
from integration_tests.lifecycle.cells import Cell


class Reports(Server):
    """The server of a cell. What it runs has been put on the ground before, by ``install``."""

    def __init__(self, ground: Ground, cell: Cell, environment: Mapping[str, str | None] | None = None) -> None:
        self.cell = cell
        self.database = ground.database("reports.db")
        super().__init__(
            ground,
            lambda port: [str(cell.path), *cell.command.format(port=port).split()],
            environment={**cell.framework.environment, **cell.environment, **(environment or {})},
        )

    # -- jobs ----------------------------------------------------------------------------------------------

    def order(self, title: str, seconds: float = 0.0) -> str:
        """Ask for a report. The uuid of its job."""
        answer = json.loads(self.ask("/reports", form={"title": title, "seconds": seconds}, good=202))
        return str(answer["uuid"])

    def serving(self, uuid: str) -> int:
        """The process that answers a question after this report."""
        return int(json.loads(self.get(f"/reports/{uuid}"))["pid"])

    def row(self, uuid: str) -> Row:
        """The job as it is in the file now."""
        return jobs.job(self.database, uuid)

    def wait_until_running(self, uuid: str) -> Row:
        return self.ground.wait_until(
            lambda: (row := self.row(uuid))["state"] == "running" and row, f"the job {uuid} is running"
        )

    def report(self, uuid: str, seconds: float = 0.0) -> dict[str, Any]:
        """What became of a report, once its job has ended well. One request: many would recycle the server's processes."""
        self.ground.wait_until(
            lambda: self.row(uuid)["state"] not in ("waiting", "running"),
            f"the job {uuid} has ended",
            timeout=PATIENCE + seconds,
            look_every=0.05,
        )
        answer = json.loads(self.get(f"/reports/{uuid}"))
        assert answer["status"] == "done", answer
        result: dict[str, Any] = answer["result"]
        return result

    # -- processes -----------------------------------------------------------------------------------------

    def web_processes(self) -> list[Process]:
        """Everything of the server itself."""
        return [p for p in self.ground.processes() if not p.is_worker and not p.is_supervisor]


def install(ground: Ground, cell: Cell) -> None:
    ground.copy(cell.framework.folder)


def deploy(ground: Ground, cell: Cell, edition: str, *, quick: bool = False) -> None:
    """New code in place of the old: reports bear the edition's name, and ``quick`` ones take no time.

    Whichever process imports it says so. Editions are of different lengths: Python takes a cached module of equal age
    and length for the new one.
    """
    original = (cell.framework.folder / cell.framework.tasks).read_text()
    lines = original.splitlines()
    (function,) = [node for node in ast.walk(ast.parse(original)) if getattr(node, "name", "") == "build_report"]
    assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    first = next(node for node in function.body if not isinstance(getattr(node, "value", None), ast.Constant))
    change = [f'title = f"{{title}}, {edition}"'] + (["seconds = 0.0"] if quick else [])
    lines[first.lineno - 1 : first.lineno - 1] = [" " * first.col_offset + line for line in change]
    lines += ["", "", "import os", "", f'print(f"{edition}, imported by process {{os.getpid()}}", flush=True)', ""]
    path = ground.code / cell.framework.tasks
    beside = path.with_suffix(".new")
    beside.write_text("\n".join(lines))
    beside.replace(path)  # a reloader shall not find half a file


def importers(server: Server, edition: str) -> set[int]:
    """The processes that have imported an edition."""
    return {int(pid) for pid in re.findall(rf"{re.escape(edition)}, imported by process (\d+)", server.said)}
