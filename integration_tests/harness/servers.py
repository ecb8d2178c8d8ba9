"""A server on a free port of the loopback interface, its output in a file."""

from __future__ import annotations

import contextlib
import http.client
import re
import signal
import socket
import subprocess
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from integration_tests.harness.ground import PATIENCE, Ground, UnfulfilledError
from integration_tests.harness.processes import Process, look_at

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OTHERS_PORT = ("address already in use", "in use by another program", "address in use", "errno 98")


class Server:
    """A server that accepts connections. ``command`` makes its command line from the port."""

    def __init__(
        self,
        ground: Ground,
        command: Callable[[int], Sequence[str]],
        *,
        environment: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.ground = ground
        for attempt in range(4):
            self.port = free_port()
            self.output = ground.home.parent / f"server-{len(ground.outputs) + 1}.txt"
            self.popen = ground.start(
                command(self.port),
                environment={"PORT": str(self.port), "HOST": "127.0.0.1", **(environment or {})},
                output=self.output,
                cwd=cwd,
            )
            if self._accepts():
                break
            if attempt == 3:
                raise UnfulfilledError(f"no free port was found in four attempts\n{ground.evidence()}")
        process = look_at(self.popen.pid)
        assert process is not None
        self.process: Process = process

    def _accepts(self) -> bool:
        """True once it accepts connections, False if another program got the port first."""

        def settled() -> bool:
            if self.popen.poll() is not None:
                return True
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return True
            return self._port_was_taken()

        self.ground.wait_until(settled, f"port {self.port} accepts connections")
        if self._port_was_taken():
            with contextlib.suppress(ProcessLookupError):
                self.popen.kill()
            self.popen.wait(PATIENCE)
            return False
        if self.popen.poll() is not None:
            raise UnfulfilledError(f"the server ended with status {self.popen.returncode}\n{self.ground.evidence()}")
        return True

    def _port_was_taken(self) -> bool:
        said = self.said.lower()
        return any(words in said for words in _OTHERS_PORT)

    @property
    def said(self) -> str:
        """Everything that it and its workers have written so far."""
        return self.output.read_text(errors="replace")

    def get(self, path: str = "/") -> str:
        """The body of a good answer. A connection that breaks because the server reloads is tried again."""
        return self.ask(path)

    def ask(self, path: str, *, form: Mapping[str, object] | None = None, good: int = 200) -> str:
        """The body of an answer with this status; a form is posted. A connection that breaks is tried again."""

        status, body = self.answers(path, form=form)
        if status != good:
            raise UnfulfilledError(f"{path}: {status} {body}\n{self.ground.evidence()}")
        return body

    def answers(self, path: str = "/", *, form: Mapping[str, object] | None = None) -> tuple[int, str]:
        """Status and body, whatever they are. A connection that breaks is tried again."""

        def answered() -> tuple[int, str] | None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                return self.answer(path, form=form)
            return None

        return self.ground.wait_until(answered, f"{path} is answered")

    def answer(self, path: str = "/", *, form: Mapping[str, object] | None = None) -> tuple[int, str]:
        """Status and body, whatever they are. Raises OSError or HTTPException when there is no answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            if form is None:
                connection.request("GET", path)
            else:
                kind = {"Content-Type": "application/x-www-form-urlencoded"}
                connection.request("POST", path, urllib.parse.urlencode(form), kind)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def call(self, path: str = "/") -> str:
        """Ask for a page that calls a task, and find the job's uuid in it."""
        body = self.get(path)
        found = _UUID.search(body)
        if found is None:
            raise UnfulfilledError(f"GET {path}: no uuid in {body!r}\n{self.ground.evidence()}")
        return found[0]

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal to the server's top process and wait for its end. Its exit status as ``Popen`` gives it."""
        self.popen.send_signal(number)
        try:
            return self.popen.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise UnfulfilledError(f"the server doesn't end on {number.name}\n{self.ground.evidence()}") from None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
