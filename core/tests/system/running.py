"""An application in a process of its own, told by the test what to do; waiting that says what it saw; the cleaning up."""

from __future__ import annotations

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from autocron import clock, codec, locations
from autocron.model import Job, NewJob
from autocron.processes.locks import LockFile
from autocron.processes.wakeup import WakeUpWriter
from autocron.store import SqliteStore

T = TypeVar("T")

SOURCE = Path(__file__).with_name("application.py")


class Running:
    """Everything of one test: its folder, its database, the processes on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "jobs.db"
        self.output = folder / "output.txt"
        self.source = folder / "application.py"
        shutil.copy(SOURCE, self.source)
        self.applications: list[Application] = []
        self.minds_modes = False
        """Applications, and what they start, may write only what the modes of files allow, also if root runs the tests."""
        self._store: SqliteStore | None = None
        self._locks: LockFile | None = None

    def application(self, **settings: Any) -> Application:
        """A new process of the application that has called ``start``."""
        started = Application(self)
        self.applications.append(started)
        arguments = ", ".join([repr(str(self.database)), *(f"{name}={value!r}" for name, value in settings.items())])
        started.started_supervisor = started.ask(f"autocron.start({arguments})")
        return started

    @property
    def store(self) -> SqliteStore:
        if self._store is None:
            self._store = SqliteStore(self.database)
        return self._store

    @property
    def locks(self) -> LockFile:
        if self._locks is None:
            self._locks = LockFile.open(locations.lock_path(self.database))
        return self._locks

    def job(self, uuid: str) -> Job:
        found = self.store.job(uuid)
        assert found is not None, f"no job {uuid}\n{self.evidence()}"
        return found

    def add(self, task: str, *args: Any) -> str:
        """A job of the only application, stored by the test itself. Its uuid."""
        (application,) = self.store.applications()
        (uuid,) = self.store.add([NewJob(task, codec.encode_call(args, {}, task=task), application.id)], clock.now())
        WakeUpWriter(locations.wakeup_path(self.database)).ring()
        return uuid

    def supervisor(self) -> int:
        """The process id of the supervisor, once there is one."""
        return self.wait_until(self.locks.supervisor_pid, "a supervisor runs")

    def wait_until(self, predicate: Callable[[], T | None], what: str, timeout: float = 45.0) -> T:
        """The predicate's first true value. Raises with all that can be known when it takes too long."""
        deadline = time.monotonic() + timeout
        while True:
            if found := predicate():
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"after {timeout} s it isn't true that {what}\n{self.evidence()}")
            time.sleep(0.005)

    def wait_until_ended(self, uuid: str, timeout: float = 45.0) -> Job:
        self.wait_until(lambda: self.job(uuid).status.is_final, f"job {uuid} has ended", timeout)
        return self.job(uuid)

    def evidence(self) -> str:
        with suppress(Exception):
            jobs = "\n".join(
                f"  {job.uuid} {job.task} {job.status} held={job.held} attempts={job.attempts} {job.error!r}"
                for job in self.store.jobs(limit=20)
            )
            pids = [self.locks.supervisor_pid() or 0, *self.locks.worker_pids(), *(app.pid for app in self.applications)]
            listed = subprocess.run(
                ["ps", "-o", "pid,ppid,stat,time,args", "-p", ",".join(map(str, pids))],
                capture_output=True,
                text=True,
                check=False,
            ).stdout
            return f"jobs:\n{jobs}\nprocesses:\n{listed}\noutput:\n{self.output.read_text()}"
        return f"output:\n{self.output.read_text()}"

    def end(self) -> None:
        """End everything and see that it has ended."""
        for app in self.applications:
            app.kill()
        with suppress(ProcessLookupError):
            if (pid := self.locks.supervisor_pid()) is not None:
                os.kill(pid, signal.SIGKILL)
        self.wait_until(lambda: self.locks.supervisor_pid() is None, "the supervisor has gone")
        self.wait_until(lambda: not self.locks.worker_pids(), "the workers have gone")
        if self._store is not None:
            self._store.close()


class Application:
    """One process of ``application.py``."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.started_supervisor = False
        reader, writer = os.pipe()
        self._replies = os.fdopen(reader)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "AUTOCRON_"))}
        with running.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(running.source), str(writer)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                text=True,
                pass_fds=[writer],
                cwd=running.folder,
                env=environment,
                preexec_fn=_mind_modes if running.minds_modes and os.geteuid() == 0 else None,
            )
        os.close(writer)
        self.pid = self.process.pid

    def ask(self, code: str, timeout: float = 60.0) -> Any:
        """What the code comes to in the application's main module; what it raises is raised here as an AskedError."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(code) + "\n")
        self.process.stdin.flush()
        if not select.select([self._replies], [], [], timeout)[0]:
            raise AssertionError(f"no answer to {code!r} in {timeout} s\n{self.running.evidence()}")
        answered = self._replies.readline()
        assert answered, f"the application ended at {code!r}\n{self.running.evidence()}"
        reply = json.loads(answered)
        if "error" in reply:
            raise AskedError(reply["error"])
        return reply["value"]

    def call(self, code: str) -> str:
        """The uuid of the job that this call of a task makes."""
        uuid = self.ask(f"{code}.uuid")
        assert isinstance(uuid, str)
        return uuid

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()
        self._replies.close()


def _mind_modes() -> None:
    """Whatever this process executes has lost root's right to write everything."""
    in_bounding_set, drop_from_bounding_set, dac_override = 23, 24, 1
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(in_bounding_set, dac_override, 0, 0, 0) == 1 and prctl(drop_from_bounding_set, dac_override, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "root can't give up its right to write everything")


class AskedError(Exception):
    """What the asked application raised, as ``Type: message``."""
