"""A Django project in a folder of its own, served by real processes. None of them outlives the tests."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds that anything may take on a busy machine."""

_ADDRESS = re.compile(r"Starting (?:WSGI )?development server at (http://127\.0\.0\.1:[1-9]\d*)")


class Site:
    """``folder`` is where the project is and where commands run; the home folder is beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "site"
        self.home = root / "home"
        self.output = root / "output.txt"
        self.database = self.home / ".autocron" / "shop.db"
        self.address = ""
        self._started: list[subprocess.Popen[bytes]] = []
        self.home.mkdir()
        shutil.copytree(Path(__file__).parent / "project", self.folder, ignore=shutil.ignore_patterns("__pycache__"))

    # -- processes -----------------------------------------------------------------------------------------

    def start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """This Python with these arguments, in a session of its own. Its output and its children's is in a file."""
        foreign = ("AUTOCRON_", "DJANGO_", "PYTEST_", "RUN_MAIN", "COV_")
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

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Until it ends by itself; its exit status and what was said meanwhile."""
        before = len(self.said)
        process = self.start(*arguments, environment=environment)
        try:
            status = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{arguments} doesn't end\n{self.evidence()}") from None
        return status, self.said[before:]

    def manage(self, *arguments: str, environment: Mapping[str, str] | None = None) -> tuple[int, str]:
        return self.run("manage.py", *arguments, environment=environment)

    def serve(self, program: str = "manage.py") -> None:
        """With Django's own server, on a free port."""
        before = len(self.said)
        process = self.start(program, "runserver", "--noreload", "127.0.0.1:0")

        def address() -> re.Match[str] | None:
            assert process.poll() is None, f"the server ended with status {process.returncode}\n{self.evidence()}"
            return _ADDRESS.search(self.said, before)

        self.address = self.wait_until(address, "the server tells its address")[1]

    def processes(self) -> dict[int, str]:
        """Supervisors and workers: everything with this site's database on its command line."""
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

    # -- the running site ----------------------------------------------------------------------------------

    def do(self, name: str, *arguments: object) -> Any:
        """Have the server call a function of ``shop.requests``. One that is about to accept connections is asked again."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(f"{self.address}/do/{name}", json.dumps(arguments).encode())

        def answer() -> bytes | None:
            try:
                with opener.open(request, timeout=PATIENCE) as response:
                    body: bytes = response.read()
                    return body
            except urllib.error.HTTPError as error:
                raise AssertionError(f"{name}{arguments}: {error.code}\n{self.evidence()}") from None
            except ConnectionRefusedError:
                return None
            except urllib.error.URLError as error:
                if isinstance(error.reason, ConnectionRefusedError):
                    return None
                raise

        return json.loads(self.wait_until(answer, f"{name} is answered"))["answer"]

    def job_after(self, name: str, *arguments: object) -> dict[str, Any]:
        """Call one of autocron's tasks; its job once it has ended."""
        return self.ended_job(self.do("call", name, *arguments))

    def ended_job(self, uuid: str) -> dict[str, Any]:
        def ended() -> dict[str, Any] | None:
            job: dict[str, Any] = self.do("job", uuid)
            return None if job["status"] in ("waiting", "running") else job

        return self.wait_until(ended, f"job {uuid} has ended")

    def result_after(self, name: str, *arguments: object) -> Any:
        job = self.job_after(name, *arguments)
        assert job["status"] == "done", f"{job}\n{self.evidence()}"
        return job["result"]

    def finished(self, name: str, uuid: str) -> dict[str, Any]:
        """The result of a task of Django's framework once it has finished."""

        def ended() -> dict[str, Any] | None:
            result: dict[str, Any] = self.do("result", name, uuid)
            return result if result["status"] in ("SUCCESSFUL", "FAILED") else None

        return self.wait_until(ended, f"{name} {uuid} has finished")

    def finished_after(self, name: str, *args: object, **using: object) -> dict[str, Any]:
        """Enqueue a task of Django's framework; its result once it has finished."""
        return self.finished(name, self.do("enqueue", name, list(args), using)["id"])

    # -- what is there -------------------------------------------------------------------------------------

    @property
    def said(self) -> str:
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Read from autocron's database; nothing if there is none yet."""
        if not self.database.exists():
            return []
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(query, parameters).fetchall()

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
