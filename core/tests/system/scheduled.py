"""Applications with schedules, written by the test into folders of their own, on one database."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from running import Application, Running

from autocron.model import ScheduledTask

EACH_SECOND = '@autocron.cron("* * * * * *", dialect="unix")'
RARELY = '@autocron.cron("0 3 1 1 *", dialect="unix")'

NOTING = """\
import os, time
from pathlib import Path
import autocron

def note(name):
    with open({notes!r}, "a") as opened:
        opened.write(f"{{name}} {{time.time():.6f}} {{os.getpid()}}\\n")
"""


class Release:
    """A folder with the application and modules of its own. What its functions note is in one file for all."""

    def __init__(self, running: Running, name: str) -> None:
        self.running = running
        self.folder = running.folder / name
        self.folder.mkdir()
        (self.folder / "application.py").write_text(running.source.read_text())
        self._versions = 0
        self.write("noting", NOTING.format(notes=str(running.folder / "notes")))

    def write(self, module: str, text: str) -> Path:
        """Write a module. Each version has a size of its own, or its predecessor's compiled file would fit it."""
        self._versions += 1
        path = self.folder / f"{module}.py"
        path.write_text(f"{textwrap.dedent(text)}{'#' * self._versions}\n")
        return path

    def schedules(self, module: str, *functions: str, decorator: str = EACH_SECOND) -> None:
        """A module with functions that note their names when they run."""
        parts = ["import autocron", "from noting import note"]
        parts += [f"{decorator}\ndef {name}():\n    note({f'{module}.{name}'!r})" for name in functions]
        self.write(module, "\n\n".join(parts) + "\n")

    def start(self, *modules: str, **settings: Any) -> Application:
        """A process that imports the modules, then starts."""
        before = self.running.source
        self.running.source = self.folder / "application.py"
        started = Application(self.running)
        self.running.source = before
        self.running.applications.append(started)
        started.ask(f"os.chdir({str(self.folder)!r})")
        for module in modules:
            started.ask(f"import {module}")
        given = ", ".join([repr(str(self.running.database)), *(f"{name}={value!r}" for name, value in settings.items())])
        started.ask(f"autocron.start({given})")
        return started


class Notes:
    """What the scheduled functions have noted: when they ran, by name."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.file = running.folder / "notes"

    def __call__(self, name: str) -> list[float]:
        if not self.file.exists():
            return []
        lines = [line.split() for line in self.file.read_text().splitlines()]
        return [float(line[1]) for line in lines if line[0] == name]

    def wait_for(self, name: str, more: int = 1, timeout: float = 20.0) -> None:
        """Until it has run so often from now on."""
        before = len(self(name))
        self.running.wait_until(lambda: len(self(name)) >= before + more, f"{name} has run {more} times more", timeout)


def named(running: Running) -> dict[str, ScheduledTask]:
    return {schedule.name: schedule for schedule in running.store.schedules()}


def slots(running: Running, schedule: str) -> list[int]:
    """The slots of all jobs of a schedule, in microseconds."""
    found = running.store.database.read("select slot from jobs where schedule = ? order by slot", (schedule,))
    return [row["slot"] for row in found]
