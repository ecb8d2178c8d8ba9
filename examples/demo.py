"""Boots the example application under a real server, sends it requests, and tells what happens.

``make demo`` tells the story and ends; ``make run`` (``--keep``) keeps the application open until Ctrl-C. Whatever is
said here was read from the system: from HTTP answers, from the application's database, from the list of processes.
"""

import argparse
import contextlib
import datetime as dt
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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar

T = TypeVar("T")

EXAMPLE = Path(__file__).resolve().parent / "flask_app"
PATIENCE = 20.0
"""Seconds that anything may take. Nothing takes long, but the machine may be busy with other things."""


# -- the story ---------------------------------------------------------------------------------------------


def tell_the_story(stage: "Stage") -> None:
    the_server_starts(stage)
    prices = a_file_is_imported(stage)
    a_file_is_no_price_list(stage)
    a_job_fails_and_is_retried(stage, prices)
    a_job_waits_for_later(stage)
    a_cron_function_fires(stage, prices)
    the_server_stops(stage)


def the_server_starts(stage: "Stage") -> None:
    title("A web server starts, and nothing else is started")
    stage.start_server(keep_files=4, prune_cron="*/2 * * * * *")
    answer = stage.request("GET", "/")
    make_sure(answer.status == 200, f"GET / is answered {answer.status}")
    line("address", stage.address)
    supervisor, workers, web = wait_for("a supervisor, two workers, two web processes", stage.complete)
    line("gunicorn", f"process {stage.server.pid}, with web processes {and_(web)}")
    line("autocron", f"supervisor {supervisor}, with workers {and_(workers)}: started by flask_autocron.init_app(app)")


def a_file_is_imported(stage: "Stage") -> int:
    title("A CSV file is uploaded, and imported in the background")
    rows = 5000
    answer = stage.upload("prices.csv", "sku,name,price\n" + "".join(f"P{n:05},Product {n},{n / 100}\n" for n in range(rows)))
    number = int(answer.location.rpartition("/")[2])
    line("request", f"POST /imports: {answer.status} after {answer.milliseconds} ms, by web process {answer.process}")
    make_sure(answer.process in stage.web_processes(), "a web process of gunicorn has answered")

    states: list[str] = []
    job = stage.wait_for_end(number, "import", states)
    line("job", f"{job['uuid']}, seen {' → '.join(states)}")
    make_sure(job["status"] == "done", f"the import is done, not {job['status']}: {job['error']}")
    worker = job["result"]["process"]
    make_sure(worker in stage.workers(), f"process {worker} is a worker")
    line("worker", f"process {worker} imported {job['result']['rows']:,} rows within {took(job)} ms")
    found = stage.query("select count(*) from products where import_id = ?", number)
    line("shop.db", f"holds {found:,} products of import {number}")
    make_sure(found == job["result"]["rows"] == rows, f"all {rows} rows are there")
    return number


def a_file_is_no_price_list(stage: "Stage") -> None:
    title("A file with a mistake: the import fails, the page says why")
    answer = stage.upload("mistake.csv", "sku,name,price\nBK-1001,Notebook,4.90\nPN-2001,Fountain pen,cheap\n")
    number = int(answer.location.rpartition("/")[2])
    job = stage.wait_for_end(number, "import")
    line("job", f"{job['status']} after {job['attempts']} attempt")
    line("reason", job["error"])
    page = stage.request("GET", f"/imports/{number}").text
    make_sure(job["status"] == "error" and "line 3" in job["error"] and "line 3" in page, "the page names the line")
    found = stage.query("select count(*) from products where import_id = ?", number)
    make_sure(found == 0, "nothing of it is in shop.db")
    line("shop.db", f"holds {found} products of import {number}: all rows or none")


def a_job_fails_and_is_retried(stage: "Stage", prices: int) -> None:
    title("A job fails and is retried: a partner, told of every import, is down at first")
    job = wait_for("a failed attempt is seen", lambda: failed_and_waiting(stage.job(prices, "notice")))
    line(f"attempt {job['attempts']}", job["error"])
    line("state", f"{job['status']} until {clock(job['run_at'])}")
    stage.partner.is_down = False
    line("partner", "is up again")
    job = stage.wait_for_end(prices, "notice")
    make_sure(job["status"] == "done", f"the job is done, not {job['status']}")
    line(f"attempt {job['attempts']}", f"{job['status']} at {clock(job['finished_at'])}, by worker {job['result']['process']}")
    calls = [str(status) for number, status in stage.partner.calls if number == prices]
    line("partner", f"was called {len(calls)} times and answered {and_(calls)}")
    make_sure(len(calls) == job["attempts"] >= 2, "each attempt was one call")


def a_job_waits_for_later(stage: "Stage") -> None:
    title("A job for later: an uploaded file is kept for a while, then discarded")
    sample = EXAMPLE / "prices.csv"
    answer = stage.upload(sample.name, sample.read_text())
    number = int(answer.location.rpartition("/")[2])
    make_sure(stage.wait_for_end(number, "import")["status"] == "done", "the sample file is imported")
    job = stage.job(number, "discard")
    kept = stage.request("GET", f"/imports/{number}.csv")
    line("job", f"{job['status']} until {clock(job['run_at'])}; the file's download: {kept.status}, {len(kept.text)} bytes")
    make_sure(job["status"] == "waiting" and kept.status == 200, "the job waits and the file is kept")
    job = stage.wait_for_end(number, "discard")
    gone = stage.request("GET", f"/imports/{number}.csv")
    late = milliseconds(moment(job["started_at"]) - moment(job["run_at"]))
    line("worker", f"process {job['result']['process']} began {late} ms after the moment; the file's download: {gone.status}")
    make_sure(job["status"] == "done" and late >= 0 and gone.status == 410, "the file was discarded, and not too early")


def a_cron_function_fires(stage: "Stage", prices: int) -> None:
    title("A cron function fires: it prunes old imports")
    stage.change("update imports set uploaded_at = datetime('now', '-31 days') where id = ?", prices)
    line("shop.db", f"says now that import {prices} is 31 days old")
    job = wait_for("a cron run removes it", lambda: first(stage.cron_runs(), lambda run: prices in run["result"]["removed"]))
    late = milliseconds(moment(job["started_at"]) - moment(job["run_at"]))
    line("due", f"{clock(job['run_at'])} by {stage.prune_cron!r} (here every two seconds, by default every night)")
    removed = and_(job["result"]["removed"])
    line("worker", f"process {job['result']['process']} began {late} ms later and removed import {removed}")
    slots = [clock(run["run_at"]).partition(".")[0] for run in reversed(stage.cron_runs())]
    line("so far", f"{len(slots)} runs, the last at {', '.join(slots[-3:])}")
    make_sure(len(slots) == len(set(slots)), "no moment has fired twice")
    left = stage.query("select count(*) from products where import_id = ?", prices)
    status = stage.request("GET", f"/imports/{prices}").status
    line("shop.db", f"holds {left} products of import {prices}; its page is answered {status}")
    make_sure(left == 0 and status == 404, f"import {prices} is gone")


def the_server_stops(stage: "Stage") -> None:
    title("The server is stopped, and no process is left")
    watched = stage.workers() + stage.supervisors()
    make_sure(len(watched) == 3, f"a supervisor and two workers are there before, not {watched}")
    began = time.monotonic()
    status = stage.stop_server()
    line("gunicorn", f"got TERM and ended with status {status} after {time.monotonic() - began:.1f} s")
    make_sure(status == 0, "gunicorn ended well")
    line("autocron", f"supervisor {and_(stage.supervisors())} lingers about 5 s: a server that only reloads finds it alive")
    wait_for("nobody is left", lambda: not stage.processes())
    line("left", f"{len(stage.processes())} processes, {time.monotonic() - began:.1f} s after the signal")


def failed_and_waiting(job: dict[str, Any] | None) -> dict[str, Any] | None:
    return job if job is not None and job["status"] == "waiting" and job["error"] else None


# -- the same, kept open -----------------------------------------------------------------------------------


def keep_open(stage: "Stage") -> None:
    """The application in the terminal, until Ctrl-C."""
    stage.partner.is_down = False
    stage.partner.refuses_first_calls = True
    stage.start_server(keep_files=60, prune_cron="* * * * *", quiet=False)
    stage.request("GET", "/")
    print(f"\n  {bold(stage.address)}   Ctrl-C ends it\n")
    print(f"  A file to upload: {EXAMPLE / 'prices.csv'}")
    print("  A partner is told of every import; its first answer is an error, so that the job is retried.\n", flush=True)
    try:
        status = stage.server.wait()
    except KeyboardInterrupt:
        interrupted.clear()
        print("\n  The server is stopped; autocron notices that nobody is left and ends within about 5 s.", flush=True)
        stage.stop_server()
        wait_for("nobody is left", lambda: not stage.processes())
        print("  No process is left.")
    else:
        raise UntrueError(f"the server ended by itself, with status {status}")


# -- the stage: a folder, a server, a partner, and eyes ----------------------------------------------------


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
    def server(self) -> "subprocess.Popen[bytes]":
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


# -- telling and checking ----------------------------------------------------------------------------------


class UntrueError(Exception):
    """Something in the story isn't so."""


interrupted = threading.Event()
"""Said once more by wait_for(): an exception that a signal raises in a finalizer is lost."""


def interrupt(*_: object) -> NoReturn:
    interrupted.set()
    raise KeyboardInterrupt


def make_sure(so: bool, what: str) -> None:
    if not so:
        raise UntrueError(f"this should be true, and isn't: {what}")


def wait_for(what: str, look: Callable[[], T | Literal[False] | None]) -> T:
    """The first true value that ``look`` returns."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        if interrupted.is_set():
            raise KeyboardInterrupt
        if time.monotonic() > deadline:
            raise UntrueError(f"waited {PATIENCE:.0f} s in vain until {what}")
        time.sleep(0.005)
    return found


def first(values: list[T], fits: Callable[[T], bool]) -> T | None:
    return next((value for value in values if fits(value)), None)


steps = 0


def title(text: str) -> None:
    global steps
    steps += 1
    print(f"\n{bold(f'{steps}  {text}')}", flush=True)


def line(label: str, text: str) -> None:
    print(f"   {label:<10} {text}", flush=True)


def bold(text: str) -> str:
    return f"\033[1m{text}\033[0m" if sys.stdout.isatty() and "NO_COLOR" not in os.environ else text


def and_(values: list[Any]) -> str:
    return " and ".join(map(str, values)) or "nobody"


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def clock(text: str) -> str:
    """The time of day here, with milliseconds."""
    return moment(text).astimezone().strftime("%H:%M:%S.%f")[:-3]


def milliseconds(duration: dt.timedelta) -> int:
    return round(duration.total_seconds() * 1000)


def took(job: dict[str, Any]) -> int:
    return milliseconds(moment(job["finished_at"]) - moment(job["started_at"]))


def show_evidence(stage: Stage) -> None:
    log = stage.output.read_text(errors="replace") if stage.output.exists() else ""
    print(f"\n--- the end of the server's output\n{log[-6000:]}", file=sys.stderr)
    print("--- processes", *(f"{pid} {command}" for pid, command in stage.processes().items()), sep="\n", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--keep", action="store_true", help="keep the application open until Ctrl-C")
    keep = parser.parse_args().keep

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    began = time.monotonic()
    stage = Stage()
    try:
        if keep:
            keep_open(stage)
        else:
            tell_the_story(stage)
            print(f"\n{bold('All of this is true')}: {time.monotonic() - began:.0f} s. `make run` keeps the application open.")
        return 0
    except KeyboardInterrupt:
        print("\ninterrupted; everything is ended and removed", file=sys.stderr)
        return 130
    except (UntrueError, OSError, http.client.HTTPException, subprocess.TimeoutExpired) as error:
        print(f"\n{type(error).__name__}: {error}", file=sys.stderr)
        show_evidence(stage)
        return 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        stage.close()


if __name__ == "__main__":
    sys.exit(main())
