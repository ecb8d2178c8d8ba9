"""Where the demo plays: a folder, a server, a partner, and eyes for processes and data."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from examples.telling import PATIENCE, make_sure, wait_for

EXAMPLE = Path(__file__).resolve().parent / "flask_app"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str
    milliseconds: int

    @property
    def process(self) -> int:
        """Who answered, as the application says."""
        return int(self.headers["X-Process"])

    @property
    def location(self) -> str:
        make_sure(self.status == 303, f"an upload is answered 303, not {self.status}: {self.text}")
        return self.headers["Location"]


class Stage:
    """All data is in a temporary folder, the home folder included; at the end no process and no file is left."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="autocron-demo-")).resolve()
        self.data = self.folder / "data"
        self.output = self.folder / "server.log"
        self.partner = Partner()
        self.prune_cron = ""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def server(self) -> subprocess.Popen[bytes]:
        assert self._server is not None
        return self._server

    def start_server(self, *, keep_files: int, prune_cron: str, quiet: bool = True) -> None:
        self.prune_cron = prune_cron
        self.data.mkdir()
        foreign = ("AUTOCRON_", "FLASK_", "GUNICORN_", "SHOP_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        environment |= {
            "HOME": str(self.folder),
            "NO_PROXY": "127.0.0.1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "SHOP_DATA": str(self.data),
            "SHOP_AUTOCRON_WORKERS": "2",
            "SHOP_KEEP_FILES": str(keep_files),
            "SHOP_NOTIFY_URL": self.partner.address,
            "SHOP_PRUNE_CRON": prune_cron,
        }
        # The pid file is in our folder, so the folder's name is on every command line that we start: see processes().
        command = [sys.executable, "-m", "gunicorn", "--workers", "2", "--bind", f"fd://{self._listener.fileno()}"]
        command += ["--pid", str(self.folder / "gunicorn.pid"), "app:create_app()"]
        with self.output.open("wb") as log:
            self._server = subprocess.Popen(
                command,
                cwd=EXAMPLE,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log if quiet else None,
                stderr=log if quiet else None,
                pass_fds=[self._listener.fileno()],
                start_new_session=True,  # a Ctrl-C is for this process; it ends the others in order
            )
        self._listener.close()

    def stop_server(self) -> int:
        self.server.terminate()
        return self.server.wait(PATIENCE)

    def close(self) -> None:
        """Whatever happened: end everything that was started here, and remove the folder."""
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            stack.callback(self.partner.close)
            stack.callback(self._listener.close)
            if self._server is not None and self._server.poll() is None:
                self._server.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._server.wait(3)
            for _ in range(100):  # a supervisor may be about to start another worker
                if not (left := self.processes()):
                    break
                for pid in sorted(left, key=lambda pid: "supervise" not in left[pid]):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                if self._server is not None:
                    self._server.poll()
                time.sleep(0.05)

    # requests

    def request(self, method: str, path: str, body: bytes = b"", content_type: str = "text/plain") -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        began = time.monotonic()
        with contextlib.closing(connection):
            connection.request(method, path, body, {"Content-Type": content_type})
            response = connection.getresponse()
            text = response.read().decode()
        return Answer(response.status, dict(response.headers), text, round((time.monotonic() - began) * 1000))

    def upload(self, name: str, content: str) -> Answer:
        """Send a file as a browser's form does."""
        edge = "edge-of-the-form"
        head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: text/csv\r\n\r\n'
        body = f"{head}{content}\r\n--{edge}--\r\n".encode()
        return self.request("POST", "/imports", body, f"multipart/form-data; boundary={edge}")

    def job(self, number: int, kind: Literal["import", "notice", "discard"]) -> Any:
        """What the application says of one of an import's jobs."""
        answer = self.request("GET", f"/imports/{number}.json")
        make_sure(answer.status == 200, f"import {number} is known")
        return json.loads(answer.text)[kind]

    def wait_for_end(self, number: int, kind: Literal["import", "notice", "discard"], seen: list[str] | None = None) -> Any:
        """The job as it is once it has ended. ``seen`` collects its states."""
        seen = [] if seen is None else seen

        def look() -> dict[str, Any] | None:
            job: dict[str, Any] | None = self.job(number, kind)
            if job is None:
                return None
            if job["status"] not in seen[-1:]:
                seen.append(job["status"])
            return job if job["status"] not in ("waiting", "running") else None

        return wait_for(f"the {kind} job of import {number} ends", look)

    def cron_runs(self) -> list[dict[str, Any]]:
        """The ended runs of the cron function, newest first."""
        jobs: list[dict[str, Any]] = json.loads(self.request("GET", "/jobs.json").text)
        return [job for job in jobs if job["task"] == "tasks.prune_imports" and job["status"] == "done"]

    # the application's database

    def query(self, statement: str, *parameters: object) -> Any:
        """The first value of the first row."""
        with contextlib.closing(sqlite3.connect(self.data / "shop.db", timeout=PATIENCE)) as connection:
            return connection.execute(statement, parameters).fetchone()[0]

    def change(self, statement: str, *parameters: object) -> None:
        with contextlib.closing(sqlite3.connect(self.data / "shop.db", timeout=PATIENCE)) as connection, connection:
            make_sure(connection.execute(statement, parameters).rowcount == 1, f"one row is changed by: {statement}")

    # processes

    def processes(self) -> dict[int, str]:
        """Everything alive that was started from here, with its command line."""
        return {pid: command for pid, command in command_lines() if str(self.folder) in command}

    def supervisors(self) -> list[int]:
        return sorted(pid for pid, command in self.processes().items() if "-m autocron" in command and " supervise" in command)

    def workers(self) -> list[int]:
        return sorted(pid for pid, command in self.processes().items() if "-m autocron" in command and " worker" in command)

    def web_processes(self) -> list[int]:
        others = {self.server.pid, *self.supervisors(), *self.workers()}
        return sorted(pid for pid in self.processes() if pid not in others)

    def complete(self) -> tuple[int, list[int], list[int]] | None:
        supervisors, workers, web = self.supervisors(), self.workers(), self.web_processes()
        return (supervisors[0], workers, web) if (len(supervisors), len(workers), len(web)) == (1, 2, 2) else None


class Partner:
    """Somebody else's server, which wants to be told of new prices."""

    def __init__(self) -> None:
        self.is_down = True
        self.refuses_first_calls = False
        self.calls: list[tuple[int, int]] = []
        """The import that each call told of, and the status of the answer."""

        partner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(partner.answer_to(json.loads(body)["import"]))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}/new-prices"
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()

    def answer_to(self, number: int) -> int:
        is_first = all(number != known for known, _ in self.calls)
        status = 503 if self.is_down or (self.refuses_first_calls and is_first) else 200
        self.calls.append((number, status))
        return status

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def command_lines() -> Iterator[tuple[int, str]]:
    """Number and command line of every process. One that has ended has an empty one until its parent looks."""
    if not Path("/proc/self/cmdline").exists():
        listed = subprocess.run(["ps", "-axww", "-o", "pid=,command="], stdout=subprocess.PIPE, text=True, check=True)
        for row in listed.stdout.splitlines():
            pid, _, command = row.strip().partition(" ")
            yield int(pid), command
        return
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            words = Path("/proc", name, "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
            yield int(name), b" ".join(words).decode(errors="replace")
