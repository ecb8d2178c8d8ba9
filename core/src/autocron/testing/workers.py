"""Real workers for a test: a supervisor and its processes on a database of their own, ended and checked afterwards."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Unpack

from autocron import app, hosts, locations
from autocron.attachment import spawned_for
from autocron.errors import ConfigurationError
from autocron.model import RUNNING, WAITING
from autocron.processes.locks import LockFile
from autocron.settings import SettingsGiven
from autocron.store import SqliteStore

PATIENCE = 30.0
"""Seconds that processes get to end before the test fails."""


class RealWorkers:
    """What runs beside the test. ``database`` is the path of the file."""

    def __init__(self, database: Path) -> None:
        self.database = database

    def wait_until_idle(self, timeout: float = 60.0) -> None:
        """Wait until no job waits or runs, those for later included. Raises TimeoutError, naming what is left."""
        store = SqliteStore(self.database)
        try:
            deadline = time.monotonic() + timeout
            while left := [job for job in store.jobs() if job.status in (WAITING, RUNNING)]:
                if time.monotonic() > deadline:
                    names = ", ".join(f"{job.task} ({job.status})" for job in left[:10])
                    raise TimeoutError(f"after {timeout:g} s {len(left)} jobs haven't ended: {names}")
                time.sleep(0.01)
        finally:
            store.close()

    def end(self, children: list[int]) -> None:
        """End the supervisor and its workers, and see that they have gone. Raises AssertionError if they haven't.

        ``children``: what this process has started for it; a second supervisor may be about to find the lock taken.
        """
        locks = LockFile.open(locations.lock_path(self.database))
        supervisor = locks.supervisor_pid()
        for child in children:
            if child != supervisor:
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
        for number, patience in ((signal.SIGTERM, 1.0), (signal.SIGTERM, PATIENCE), (signal.SIGKILL, PATIENCE)):
            if supervisor:
                with suppress(ProcessLookupError):
                    os.kill(supervisor, number)
            if _becomes_true(lambda: locks.supervisor_pid() is None and not locks.worker_pids(), patience):
                break
        else:
            raise AssertionError(f"the processes {[locks.supervisor_pid(), *locks.worker_pids()]} don't end")
        for child in {*children, supervisor or 0} - {0}:
            with suppress(ChildProcessError):
                os.waitpid(child, 0)


@contextmanager
def workers(folder: Path | None = None, **settings: Unpack[SettingsGiven]) -> Iterator[RealWorkers]:
    """Inside, jobs run in real worker processes, on a database in ``folder`` (a temporary one by default).

    Every ``start()`` in this process uses that database, whatever its name. ``settings`` are those of ``start``. Workers
    import the modules of the tasks, so these must be importable. At the end all processes are ended; a job that still
    runs is not waited for. Raises ConfigurationError in a process that works with a database already.
    """
    with tempfile.TemporaryDirectory(prefix="autocron-") as temporary:
        database = ((folder or Path(temporary)) / "autocron-test.db").resolve()
        _refuse_if_attached()
        before = {instance: instance.exchange_engine(None) for instance in app.instances()}
        hosts.assume(hosts.Host.SERVER)
        os.environ[locations.REDIRECTION] = str(database)  # for the workers, too
        running = RealWorkers(database)
        try:
            app.default.start(database, **settings)
            yield running
        finally:
            children = spawned_for(database)
            for instance in app.instances():
                instance.stop()
                instance.exchange_engine(before.get(instance))
            del os.environ[locations.REDIRECTION]
            hosts.assume(None)
            running.end(children)


def _refuse_if_attached() -> None:
    for instance in app.instances():
        if instance.database is not None:
            raise ConfigurationError(
                f"this process works with {instance.database} already: call stop() first, or run the tests with pytest, "
                "unittest or `manage.py test`, where start() attaches to nothing"
            )


def _becomes_true(predicate: Callable[[], bool], patience: float) -> bool:
    deadline = time.monotonic() + patience
    while not predicate():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
