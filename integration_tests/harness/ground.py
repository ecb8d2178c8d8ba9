"""The ground of one test: a home folder, the processes started in it, and what is known of them when a test fails."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
import time
import uuid as uuids
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeVar

from integration_tests.harness import jobs, processes
from integration_tests.harness.processes import Process

T = TypeVar("T")

PATIENCE = 45.0
"""Seconds that anything may take on a machine that is busy with other things."""

_LOOK_EVERY = 0.02


class UnfulfilledError(AssertionError):
    """A condition didn't come true in time; the message holds the evidence."""


class Ground:
    """A home folder of its own. Every process started here carries a mark, and so does whatever that starts."""

    def __init__(self, folder: Path) -> None:
        self.interpreter = [sys.executable]
        self.mark = uuids.uuid4().hex
        self.home = folder / "home"
        self.code = folder / "shop"
        self.outputs: list[Path] = []
        self.figures: list[tuple[str, float]] = []
        self._started: list[subprocess.Popen[bytes]] = []
        for each in (self.home, self.code):
            each.mkdir()

    # -- code and processes --------------------------------------------------------------------------------

    def copy(self, *files: Path) -> None:
        """Put these files, or the contents of these folders, where the servers run."""
        for file in files:
            if file.is_dir():
                shutil.copytree(file, self.code, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(file, self.code)

    def write(self, name: str, text: str) -> Path:
        path = self.code / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def environment(self, changes: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """This process's, without what belongs to the test run; None in ``changes`` takes a variable away."""
        mine = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTEST_", "AUTOCRON_", "COV_", "WERKZEUG_", "FLASK_")) and name != "PYTHONPATH"
        }
        mine |= {"HOME": str(self.home), "PYTHONUNBUFFERED": "1", processes.MARK: self.mark}
        mine["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), mine.get("PATH", os.defpath)])
        for name, value in (changes or {}).items():
            if value is None:
                mine.pop(name, None)
            else:
                mine[name] = value
        return mine

    def start(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str | None] | None = None,
        output: Path | int | None = None,
        stdin: int = subprocess.DEVNULL,
        cwd: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        """A process in a session of its own, its output in a file (or in the file descriptor given)."""
        if not isinstance(output, int):
            path = output or self.home.parent / f"output-{len(self.outputs) + 1}.txt"
            self.outputs.append(path)
            stream = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        else:
            stream = os.dup(output)
        try:
            process = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=stream,
                stderr=stream,
                cwd=cwd or self.code,
                env=self.environment(environment),
                start_new_session=True,
            )
        finally:
            os.close(stream)
        self._started.append(process)
        return process

    def run(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str | None] | None = None,
        stdin: str = "",
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """A process that ends by itself, its output caught. What it starts may outlive it."""
        where = self.home.parent / f"run-{uuids.uuid4().hex[:8]}.txt"
        self.outputs.append(where)
        process = self.start(command, environment=environment, output=where, stdin=subprocess.PIPE, cwd=cwd)
        assert process.stdin is not None
        process.stdin.write(stdin.encode())
        process.stdin.close()
        try:
            status = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise UnfulfilledError(f"{' '.join(command)} doesn't end\n{self.evidence()}") from None
        return subprocess.CompletedProcess(list(command), status, where.read_text(errors="replace"))

    def python(
        self,
        script: str,
        *arguments: str,
        environment: Mapping[str, str | None] | None = None,
        options: Sequence[str] = (),
    ) -> str:
        """Run a script's text to its good end, and return what it printed (with what others printed meanwhile)."""
        path = self.write(f"script_{uuids.uuid4().hex[:8]}.py", textwrap.dedent(script))
        ended = self.run([sys.executable, *options, str(path), *arguments], environment=environment)
        assert ended.returncode == 0, f"exit status {ended.returncode}\n{ended.stdout}"
        return ended.stdout

    # -- what is there -------------------------------------------------------------------------------------

    def database(self, name: str) -> Path:
        return self.home / ".autocron" / name

    def databases(self) -> list[Path]:
        return sorted(self.home.glob(".autocron/*.db")) + sorted(self.home.glob("*.db"))

    def processes(self) -> list[Process]:
        """Everything alive that was started here, directly or not."""
        return processes.marked(self.mark)

    def supervisors(self) -> list[Process]:
        return [process for process in self.processes() if process.is_supervisor]

    def workers(self) -> list[Process]:
        return [process for process in self.processes() if process.is_worker]

    def supervisors_ever(self) -> set[str]:
        """The process numbers of all supervisors that got to work, by what they said."""
        return {pid for output in self.outputs for pid in re.findall(r"supervisor (\d+) works ", output.read_text())}

    def zombies(self) -> list[Process]:
        return processes.zombies_of(self.processes())

    # -- waiting -------------------------------------------------------------------------------------------

    def wait_until(
        self,
        predicate: Callable[[], T | Literal[False] | None],
        what: str,
        *,
        timeout: float = PATIENCE,
        look_every: float = _LOOK_EVERY,
    ) -> T:
        """The predicate's first true value. Raises UnfulfilledError with all that can be known after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            if value := predicate():
                return value
            if time.monotonic() > deadline:
                raise UnfulfilledError(f"not within {timeout:g} s: {what}\n{self.evidence()}")
            time.sleep(look_every)

    def wait_until_nobody_is_left(self, *, timeout: float = PATIENCE) -> float:
        """Seconds until no process of this ground lives."""
        began = time.monotonic()
        self.wait_until(lambda: self._reap() and not self.processes(), "no process is left", timeout=timeout)
        return time.monotonic() - began

    def wait_for_one_supervisor(self) -> Process:
        """The only supervisor, with a worker at its side."""

        def found() -> list[Process]:
            supervisors = self.supervisors()
            return supervisors if len(supervisors) == 1 and self.workers() else []

        return self.wait_until(found, "exactly one supervisor, and a worker")[0]

    def measured(self, what: str, seconds: float) -> float:
        """Note a figure; the run's summary shows it."""
        self.figures.append((what, seconds))
        return seconds

    def evidence(self) -> str:
        parts = []
        for output in self.outputs:
            if output.exists():
                parts.append(f"--- {output.name}\n{output.read_text(errors='replace')[-6000:].rstrip()}")
        for database in self.databases():
            shown = jobs.rows(
                database,
                "select id, task, application, state, readiness, attempt, lost, worker, error from jobs"
                " order by id desc limit 40",
            )
            parts.append(f"--- jobs in {database.name}\n" + "\n".join(str(tuple(row.values())) for row in shown))
        alive = self.processes()
        tree = "\n".join(str(process) for process in [*alive, *processes.zombies_of(alive)])
        parts.append(f"--- processes (pid, parent, state, command)\n{tree}")
        return "\n".join(parts)

    # -- the end -------------------------------------------------------------------------------------------

    def _reap(self) -> bool:
        for process in self._started:
            process.poll()
        return True

    def clear(self) -> None:
        """End every process started here, by its number, until none is left."""

        def none_left() -> bool:
            for process in self.processes():
                process.kill()
            self._reap()
            return not self.processes()

        self.wait_until(none_left, "every process can be ended")
        for process in self._started:
            process.wait(PATIENCE)
