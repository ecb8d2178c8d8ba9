"""``autocron DB supervise --app`` as a service manager would start it, ended and checked after the test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from command import COMMAND, PATIENCE, environment, run, wait_until

from autocron.operations import Operations

APPLICATION = """
import os
import subprocess
import sys
import time

import autocron

instance = autocron.Autocron()


@autocron.delay
def add(a, b=1):
    return a + b


@autocron.delay(queue="mail")
def mail(address):
    return address


@autocron.delay
def sleep(seconds):
    time.sleep(seconds)


@autocron.delay
def fail_once(marker):
    if not os.path.exists(marker):
        open(marker, "w").close()
        raise ValueError("no such account")
    return "at last"


@autocron.delay
def leave_an_orphan():
    command = "sleep 0.5 >/dev/null & echo $!"  # its parent ends before it
    return int(subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, text=True, check=True).stdout)


@autocron.periodic(hours=1)
def report():
    return "reported"


@instance.delay
def of_the_instance():
    return "mine"


def make():
    return instance
"""


class Served:
    """A folder with ``shop.py``, its database, and the supervisor in the foreground."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "jobs.db"
        self.log = folder / "log.txt"
        (folder / "shop.py").write_text(APPLICATION)
        self._operations: Operations | None = None
        self.process: subprocess.Popen[bytes] | None = None

    def start(
        self, *options: str, app: str | None = "shop", under: Sequence[str] = (), **changes: str
    ) -> subprocess.Popen[bytes]:
        """``under``: a command that starts it, such as ``unshare``."""
        arguments = ["supervise", *(["--app", app] if app else []), *options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*under, *COMMAND, str(self.database), *arguments],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
                env=environment(**changes),
            )
        return self.process

    @property
    def operations(self) -> Operations:
        """For the many looks of a test that waits: the command itself takes its time to start."""
        if self._operations is None:
            self._operations = Operations(self.database)
        return self._operations

    def attached(self) -> list[int]:
        """The processes for whose sake a supervisor lives."""
        return [process.pid for process in self.operations.status().processes.attached]

    def wait_until_worked(self) -> None:
        assert self.process is not None
        begun = f" works {self.database}"
        wait_until("a supervisor", lambda: begun in self.log.read_text(), self.log.read_text)
        wait_until("jobs to be worked", lambda: self.operations.status().jobs_are_worked, self.describe)

    def call(self, expression: str) -> str:
        """Call a task in another process that starts nothing; the job's uuid."""
        script = (
            f"import sys; sys.argv = ['autocron']; sys.path.insert(0, {str(self.folder)!r})\n"
            f"import autocron, shop; autocron.start({str(self.database)!r}); print(shop.{expression}.uuid)"
        )
        ended = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment()
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    def show(self, uuid: str) -> Any:
        return run(self.database, "show", uuid, "--json").json

    def wait_for(self, uuid: str, status: str) -> Any:
        wait_until(f"{uuid} to be {status}", lambda: self.operations.show(uuid).job.status == status, self.describe)
        return self.show(uuid)

    def describe(self) -> str:
        return f"{run(self.database, 'status').out}\n{run(self.database, 'jobs').out}\n{self.log.read_text()}"

    def pids(self) -> list[int]:
        status = run(self.database, "status", "--json").json
        return [each["pid"] for each in [status["supervisor"], *status["workers"], *status["attached"]] if each]

    def end(self) -> None:
        """Nothing of it may be left."""
        if self.process is None:
            return
        pids = self.pids() if self.database.exists() else []
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self._operations is not None:
            self._operations.close()
        wait_until("all processes to be gone", lambda: not any(map(_lives, pids)), self.log.read_text)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
