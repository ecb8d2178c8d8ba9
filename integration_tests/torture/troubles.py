"""What is done to the application: signals at random moments, a file that is locked, a disk that is full."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from integration_tests.harness import Process
from integration_tests.torture.decisions import Decision
from integration_tests.torture.disk import SmallDisk
from integration_tests.torture.load import Load

LONGEST_STOP = 1.5
LONGEST_LOCK = 2.0
LONGEST_FULL = 3.0  # seconds


@dataclass(slots=True)
class Blow:
    """A signal that was sent, and took effect between two monotonic moments in nanoseconds.

    What a KILL or TERM hits may act until it is seen to be gone: ``after``, which is noted when that is known.
    """

    before: int
    after: int
    sign: str
    role: str
    pid: int


class Troubles:
    """Carries decisions out. What a decision only begins, such as a STOP, ends by itself at its time."""

    def __init__(self, load: Load, database: str, disk: SmallDisk) -> None:
        self.blows: list[Blow] = []
        self.acts: dict[str, int] = {}
        self._load = load
        self._database = database
        self._disk = disk
        self._ends: list[tuple[float, Callable[[], None]]] = []
        self._dying: list[tuple[Process, Blow]] = []

    def do(self, decision: Decision) -> None:
        done = True
        match decision.act.split(" ", 1):
            case ["KILL", "everything"]:
                self._hit("KILL", self._processes())
            case ["STOP", role]:
                done = self._stop(role, decision)
            case ["lock", _]:
                seconds = LONGEST_LOCK * decision.amount
                self._load.start("locker.py", str(self._load.ground.database(self._database)), str(seconds))
            case ["fill", _]:
                done = not self._disk.problem
                if done:
                    self._disk.fill()
                    self._later(LONGEST_FULL * decision.amount, self._disk.free)
            case [sign, role]:
                victim = self._pick(role, decision)
                done = victim is not None
                if victim is not None:
                    self._hit(sign, {victim: role})
        if done:
            self.acts[decision.act] = self.acts.get(decision.act, 0) + 1

    def end_what_is_over(self) -> None:
        now = time.monotonic()
        for due, end in list(self._ends):
            if due <= now:
                self._ends.remove((due, end))
                end()
        self._see_who_is_gone()

    def relieve(self) -> None:
        """End everything that was begun."""
        while self._ends:
            _, end = self._ends.pop()
            end()
        self._see_who_is_gone()

    def _see_who_is_gone(self) -> None:
        for victim, blow in list(self._dying):
            if not victim.is_there():
                self._dying.remove((victim, blow))
            blow.after = time.monotonic_ns()

    # -- whom ----------------------------------------------------------------------------------------------

    def _processes(self) -> dict[Process, str]:
        """Everything alive, and its role."""
        server, shells = self._load.server_pid(), self._load.shell_pids()
        roles = {}
        for process in self._load.ground.processes():
            if process.is_supervisor:
                roles[process] = "supervisor"
            elif process.is_worker:
                roles[process] = "worker"
            elif process.pid == server:
                roles[process] = "server"
            elif process.pid in shells:
                roles[process] = "shell"
            elif "gunicorn" in process.command:
                roles[process] = "web process"
            else:
                roles[process] = "other"
        return roles

    def _pick(self, role: str, decision: Decision) -> Process | None:
        found = sorted((process.pid, process) for process, its in self._processes().items() if its == role)
        return found[int(decision.pick * len(found))][1] if found else None

    # -- what ----------------------------------------------------------------------------------------------

    def _hit(self, sign: str, victims: dict[Process, str]) -> None:
        for victim, role in victims.items():
            before = time.monotonic_ns()
            victim.send(signal.Signals[f"SIG{sign}"])
            blow = Blow(before, time.monotonic_ns(), sign, role, victim.pid)
            self.blows.append(blow)
            if sign in ("KILL", "TERM") and (sign, role) != ("TERM", "worker"):  # a worker lets a TERM pass
                self._dying.append((victim, blow))

    def _stop(self, role: str, decision: Decision) -> bool:
        victim = self._pick(role, decision)
        if victim is None:
            return False
        self._hit("STOP", {victim: role})
        self._later(LONGEST_STOP * decision.amount, lambda: victim.send(signal.SIGCONT))
        return True

    def _later(self, seconds: float, end: Callable[[], None]) -> None:
        self._ends.append((time.monotonic() + seconds, end))
