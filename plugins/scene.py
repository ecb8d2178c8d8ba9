"""A folder with an application in it, run and served by real processes. None of them outlives the test."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

T = TypeVar("T")

PATIENCE = 45.0
"""Seconds that anything may take on a busy machine."""

_ADDRESS = re.compile(r"(?:on|at) (http://127\.0\.0\.1:[1-9]\d*)")


class Scene:
    """``folder`` is where the application is and where commands run; the home folder is beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "site"
        self.home = root / "home"
        self.output = root / "output.txt"
        self.database = self.home / ".autocron" / "shop.db"
        self._started: list[subprocess.Popen[bytes]] = []
        for folder in (self.folder, self.home):
            folder.mkdir()

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    # -- processes -----------------------------------------------------------------------------------------

    def start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """This Python with these arguments, in a session of its own. Its output and its children's is in a file."""
        foreign = ("AUTOCRON_", "COV_", "DJANGO_", "FLASK_", "PYTEST_", "RUN_MAIN", "WERKZEUG_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        with self.output.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=self.folder,
                env=inherited | {"HOME": str(self.home), "PYTHONUNBUFFERED": "1"} | dict(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> int:
        """Until it ends by itself; its exit status."""
        process = self.start(*arguments, environment=environment)
        try:
            return process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{arguments} doesn't end\n{self.evidence()}") from None

    def python(self, name: str, text: str, *arguments: str, environment: Mapping[str, str] | None = None) -> list[str]:
        """The lines that a script prints until its good end (and what others print meanwhile)."""
        self.write(name, text)
        before = len(self.said)
        status = self.run("-W", "ignore", name, *arguments, environment=environment)
        assert status == 0, f"{name} ended with status {status}\n{self.evidence()}"
        return self.said[before:].splitlines()

    def serve(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Server:
        """A command that serves on a free port and says on which one."""
        before = len(self.said)
        process = self.start(*arguments, environment=environment)

        def address() -> re.Match[str] | None:
            assert process.poll() is None, f"the server ended with status {process.returncode}\n{self.evidence()}"
            return _ADDRESS.search(self.said, before)

        return Server(self, process, self.wait_until(address, "the server tells its address")[1])

    def processes(self) -> dict[int, str]:
        """Supervisors and workers: everything with this test's database on its command line."""
        return {pid: command for pid, command in _command_lines() if str(self.root) in command}

    def clear(self) -> None:
        """End everything that was started here, by its number."""
        for process in self._started:
            if process.poll() is None:  # not reaped, so the number is still its own
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait(PATIENCE)

        def nobody_left() -> bool:
            for pid in self.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not self.processes()

        self.wait_until(nobody_left, "every process can be ended")

    # -- what is there -------------------------------------------------------------------------------------

    @property
    def said(self) -> str:
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Read from the database; nothing while it or its tables aren't there yet."""
        if not self.database.exists():
            return []
        try:
            with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)) as connection:
                return connection.execute(query, parameters).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error) or "unable to open" in str(error):
                return []
            raise

    def wait_until(self, look: Callable[[], T | Literal[False] | None], what: str) -> T:
        """The first true value. Raises AssertionError with the evidence when it takes too long."""
        deadline = time.monotonic() + PATIENCE
        while not (found := look()):
            assert time.monotonic() < deadline, f"not within {PATIENCE:g} s: {what}\n{self.evidence()}"
            time.sleep(0.02)
        return found

    def evidence(self) -> str:
        jobs: object = "none"
        with contextlib.suppress(sqlite3.Error):
            jobs = self.rows("select id, task, state, readiness, attempt, worker, error from jobs")
        return f"--- output\n{self.said[-8000:]}\n--- jobs\n{jobs}\n--- processes\n{self.processes()}"


class Server:
    """A running server of a scene. Its pages: ``/call/<name>`` calls a task, ``/job/<uuid>`` tells of its job."""

    def __init__(self, scene: Scene, process: subprocess.Popen[bytes], address: str) -> None:
        self.scene = scene
        self.process = process
        self.address = address

    def get(self, path: str) -> Any:
        """The JSON of an answer. A server that is about to accept connections is asked again."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

        def answer() -> bytes | None:
            try:
                with opener.open(self.address + path, timeout=PATIENCE) as response:
                    body: bytes = response.read()
                    return body
            except urllib.request.HTTPError as error:
                raise AssertionError(f"GET {path}: {error.code}\n{self.scene.evidence()}") from None
            except OSError:
                return None

        return json.loads(self.scene.wait_until(answer, f"GET {path} is answered"))

    def job_after(self, name: str, settled: Callable[[dict[str, Any]], bool] | None = None) -> dict[str, Any]:
        """Call a task; its job once it has ended, or once it is as ``settled`` wants it."""
        uuid = self.get(f"/call/{name}")

        def look() -> dict[str, Any] | None:
            job: dict[str, Any] = self.get(f"/job/{uuid}")
            ended = job["status"] not in ("waiting", "running")
            return job if (settled(job) if settled else ended) else None

        return self.scene.wait_until(look, f"the job of {name} has settled")

    def result_of(self, name: str) -> Any:
        job = self.job_after(name)
        assert job["status"] == "done", f"{job}\n{self.scene.evidence()}"
        return job["result"]


def _command_lines() -> list[tuple[int, str]]:
    """Number and command line of every process; a dead one has none."""
    if not Path("/proc/self/cmdline").exists():
        listed = subprocess.run(["ps", "-axww", "-o", "pid=,command="], stdout=subprocess.PIPE, text=True, check=True)
        rows = [row.strip().partition(" ") for row in listed.stdout.splitlines()]
        return [(int(pid), command) for pid, _, command in rows]
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            words = Path("/proc", name, "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
            found.append((int(name), b" ".join(words).decode(errors="replace")))
    return found
