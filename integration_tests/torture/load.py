"""The application under load: a gunicorn server, shells, and the requests that are sent to it."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

from integration_tests.harness import Ground
from integration_tests.harness.servers import free_port

APPLICATION = Path(__file__).parent / "application"
WEB_PROCESSES = 3
SHELLS = 2

_RESTART_PAUSE = 1.0  # seconds between two starts of one that ends at once


class Load:
    """Keeps server and shells alive, as a service manager would, and the requests coming."""

    def __init__(self, ground: Ground, *, seed: int, workers: int, threads: int, calls_a_second: float) -> None:
        self.ground = ground
        self.notes = ground.home / "notes"
        self.notes.mkdir()
        self.output = ground.home.parent / "output.txt"
        ground.outputs.append(self.output)
        ground.copy(APPLICATION)
        self.starts = 0
        self.answers: dict[int, int] = {}
        self._environment = {
            "TORTURE_NOTES": str(self.notes),
            "TORTURE_WORKERS": str(workers),
            "TORTURE_THREADS": str(threads),
        }
        self._port = free_port()
        self._chance = random.Random(seed)
        self._share = calls_a_second / (SHELLS + 1)
        self._running: dict[str, tuple[subprocess.Popen[bytes], float]] = {}
        self._over = threading.Event()
        self._requests = [threading.Thread(target=self._send_requests) for _ in range(2)]
        for thread in self._requests:
            thread.start()

    # -- processes -----------------------------------------------------------------------------------------

    def keep_up(self) -> None:
        """Start again whatever has ended."""
        for name in ["server", *(f"shell {number}" for number in range(SHELLS))]:
            process, began = self._running.get(name, (None, 0.0))
            if (process is None or process.poll() is not None) and time.monotonic() - began > _RESTART_PAUSE:
                self._running[name] = (self._start(name), time.monotonic())
                self.starts += 1

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        if name != "server":
            return self.start("shell.py", str(self._share))
        preload = ["--preload"] if self._chance.random() < 0.5 else []
        return self.start(
            *["-m", "gunicorn", "pages:app", "--bind", f"127.0.0.1:{self._port}", "--workers", str(WEB_PROCESSES)],
            *["--graceful-timeout", "5", "--log-level", "warning", *preload],
        )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        fd = os.open(self.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            return self.ground.start([sys.executable, *arguments], environment=self._environment, output=fd)
        finally:
            os.close(fd)

    def end(self) -> None:
        """As a service manager does it: TERM, and patience."""
        for process, _ in self._running.values():
            process.terminate()

    def server_pid(self) -> int:
        process, _ = self._running["server"]
        return process.pid

    def shell_pids(self) -> set[int]:
        return {process.pid for name, (process, _) in self._running.items() if name != "server"}

    def noted(self) -> int:
        """How much the tasks have noted so far."""
        return (self.notes / "executions.txt").stat().st_size

    # -- requests ------------------------------------------------------------------------------------------

    def pause(self, wanted: bool) -> None:
        """No new calls, or calls again."""
        if wanted:
            (self.notes / "pause").touch()
        else:
            (self.notes / "pause").unlink(missing_ok=True)

    def stop_requests(self) -> None:
        self._over.set()
        for thread in self._requests:
            thread.join()

    def _send_requests(self) -> None:
        chance = random.Random()
        while not self._over.wait(chance.expovariate(self._share / len(self._requests))):
            if (self.notes / "pause").exists():
                continue
            status = self._request()
            self.answers[status] = self.answers.get(status, 0) + 1

    def _request(self) -> int:
        """The answer's status; 0 for none."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("POST", "/call")
            return connection.getresponse().status
        return 0
