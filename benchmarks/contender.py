"""The one interface of all contenders, and what they share: processes, their notes, their cost."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

HERE = Path(__file__).parent
PATIENCE = 60.0
"""Seconds after which a contender has failed."""


class UnavailableError(Exception):
    """This contender can't be measured here; the message says why."""


class Contender:
    """A way to have jobs done. ``folder`` is for its files, which nothing else uses; it is there, and empty.

    The jobs are the functions of ``work``. A producer is a process that calls; ``call`` is one call of ``noop``.
    """

    name: ClassVar[str]
    what: ClassVar[str]
    """How it is set up, in a few words."""
    module: ClassVar[str]
    """What an application imports to use it."""
    backlog: ClassVar[int] = 1000
    """Jobs in a measurement of throughput: about a second's work."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.commands: list[subprocess.Popen[bytes]] = []

    def connect(self) -> None:
        """Be a producer, perhaps one of several."""

    def clear(self) -> None:
        """No jobs from earlier, and nobody who takes those that come."""

    def start(self, workers: int) -> None:
        """Start so many workers. They may still be starting when this returns."""
        raise NotImplementedError

    def call(self) -> None:
        raise NotImplementedError

    def call_many(self, jobs: int) -> bool:
        """All at once, in the way that is made for it. False if there is none."""
        return False

    def burn(self, seconds: float) -> None:
        raise NotImplementedError

    def hold(self, seconds: float) -> None:
        raise NotImplementedError

    def call_and_wait(self) -> None:
        """Until the result has been read."""
        raise NotImplementedError

    def stop(self) -> None:
        """End the workers."""
        for process in self.commands:
            process.send_signal(signal.SIGTERM)
        for process in self.commands:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                for pid in descendants([process.pid]):
                    os.kill(pid, signal.SIGKILL)
                process.wait()
        self.commands.clear()

    def end(self) -> None:
        """No more calls; nothing is left behind."""

    def pids(self) -> list[int]:
        """The processes that do the work."""
        return descendants([process.pid for process in self.commands])

    def spawn(self, *command: str) -> None:
        with open(self.folder / "output.txt", "ab") as output:
            self.commands.append(
                subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=environment(), cwd=HERE)
            )

    def spawn_python(self, *arguments: str) -> None:
        self.spawn(sys.executable, *arguments)


class Notes:
    """What the jobs have noted: the moment of each execution."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch(mode=0o600)

    def count(self) -> int:
        return os.stat(self.path).st_size // 8

    def moments(self, first: int = 0) -> list[int]:
        """Monotonic, in nanoseconds, in order; without the ``first`` ones."""
        data = self.path.read_bytes()[8 * first :]
        return sorted(struct.unpack(f"{len(data) // 8}q", data))

    def wait_for(self, count: int, *, look_every: float = 0.002) -> None:
        wait_until(lambda: self.count() >= count, f"{count} executions (there were {self.count()})", look_every=look_every)


def wait_until(true: Callable[[], bool], what: str, *, look_every: float = 0.01) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {PATIENCE:.0f} s: {what}")
        time.sleep(look_every)


# -- processes ---------------------------------------------------------------------------------------------


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(HERE)}


def descendants(roots: Sequence[int]) -> list[int]:
    """These processes and all below them that live."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (words := _stat(int(name))) is not None and words[0] != "Z":
            parents[int(name)] = int(words[1])
    found = [pid for pid in roots if pid in parents]
    for pid in found:
        found.extend(child for child, parent in parents.items() if parent == pid)
    return found


def with_argument(argument: str) -> list[int]:
    """The living processes that have this word on their command line."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                words = Path("/proc", name, "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if argument.encode() in words:
                found.append(int(name))
    return found


def usage(pids: Sequence[int]) -> tuple[float, int]:
    """Processor seconds and voluntary context switches of these processes so far."""
    seconds, switches = 0.0, 0
    for pid in pids:
        try:
            tasks = [Path("/proc", str(pid), "task", task) for task in os.listdir(f"/proc/{pid}/task")]
            for task in tasks:
                seconds += int((task / "schedstat").read_text().split()[0]) / 1e9
                lines = (task / "status").read_text().splitlines()
                switches += next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))
        except OSError:
            continue  # it has ended meanwhile
    return seconds, switches


def memory(pid: int) -> float:
    """MB of memory, shared pages counted in part (PSS)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"no Pss of process {pid}")


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    return text[text.rindex(")") + 2 :].split()
