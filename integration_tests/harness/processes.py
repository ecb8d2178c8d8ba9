"""Processes as ``/proc`` shows them. Those of a test are known by a mark that they inherit in their environment."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MARK = "INTEGRATION_TEST_MARK"


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    parent: int
    state: str
    started: int  # clock ticks since boot: tells two processes of one number apart
    command: tuple[str, ...]

    @property
    def is_supervisor(self) -> bool:
        return "supervise" in self._autocron_arguments

    @property
    def is_worker(self) -> bool:
        return "worker" in self._autocron_arguments

    @property
    def _autocron_arguments(self) -> tuple[str, ...]:
        for at, word in enumerate(self.command[:-1]):
            if word == "-m" and self.command[at + 1] == "autocron":
                return self.command[at + 3 :]
            if at == 1 and Path(word).name == "autocron":  # the installed program
                return self.command[3:]
        return ()

    @property
    def is_zombie(self) -> bool:
        return self.state == "Z"

    def is_there(self) -> bool:
        """Alive, and still the same process: not a zombie, not another one with its number."""
        now = look_at(self.pid)
        return now is not None and now.started == self.started and not now.is_zombie

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            fd = os.pidfd_open(self.pid)
            try:
                if self.is_there():
                    signal.pidfd_send_signal(fd, number)
            finally:
                os.close(fd)

    def kill(self) -> None:
        self.send(signal.SIGKILL)

    def __str__(self) -> str:
        return f"{self.pid:>8} {self.parent:>8} {self.state} {' '.join(self.command) or '(no command line)'}"


def look_at(pid: int) -> Process | None:
    """The process of this number, if there is one."""
    folder = Path("/proc", str(pid))
    try:
        text = (folder / "stat").read_text(errors="replace")
        command = (folder / "cmdline").read_bytes()
    except OSError:
        return None
    facts = text[text.rindex(")") + 2 :].split()  # the name in parentheses may hold anything
    words = command.decode(errors="replace").rstrip("\0").split("\0")
    return Process(pid, int(facts[1]), facts[0], int(facts[19]), tuple(word for word in words if word))


def everything() -> Iterator[Process]:
    for name in os.listdir("/proc"):
        if name.isdigit() and (process := look_at(int(name))) is not None:
            yield process


def marked(mark: str) -> list[Process]:
    """The living processes that carry this mark, whoever started them."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for process in everything():
        try:
            environment = Path("/proc", str(process.pid), "environ").read_bytes()
        except OSError:
            continue
        if wanted in environment.split(b"\0") and not process.is_zombie:
            found.append(process)
    return found


def zombies_of(parents: list[Process]) -> list[Process]:
    """Ended children that these processes have left lying about."""
    pids = {parent.pid for parent in parents}
    return [process for process in everything() if process.is_zombie and process.parent in pids]
