"""Boots the example application under a real server, sends it requests, and tells what happens.

``make demo`` tells the story and ends; ``make run`` (``--keep``) keeps the application open until Ctrl-C. Whatever is
said here was read from the system: from HTTP answers, from the application's database, from the list of processes.
"""

from __future__ import annotations

import argparse
import http.client
import signal
import subprocess
import sys
import time
from typing import Any

from examples.stage import EXAMPLE, Stage
from examples.telling import (
    UntrueError,
    and_,
    bold,
    clock,
    first,
    interrupt,
    interrupted,
    line,
    make_sure,
    milliseconds,
    moment,
    title,
    took,
    wait_for,
)

# -- the story ---------------------------------------------------------------------------------------------


def tell_the_story(stage: Stage) -> None:
    the_server_starts(stage)
    prices = a_file_is_imported(stage)
    a_file_is_no_price_list(stage)
    a_job_fails_and_is_retried(stage, prices)
    a_job_waits_for_later(stage)
    a_cron_function_fires(stage, prices)
    the_server_stops(stage)


def the_server_starts(stage: Stage) -> None:
    title("A web server starts, and nothing else is started")
    stage.start_server(keep_files=4, prune_cron="*/2 * * * * *")
    answer = stage.request("GET", "/")
    make_sure(answer.status == 200, f"GET / is answered {answer.status}")
    line("address", stage.address)
    supervisor, workers, web = wait_for("a supervisor, two workers, two web processes", stage.complete)
    line("gunicorn", f"process {stage.server.pid}, with web processes {and_(web)}")
    line("autocron", f"supervisor {supervisor}, with workers {and_(workers)}: started by flask_autocron.init_app(app)")


def a_file_is_imported(stage: Stage) -> int:
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


def a_file_is_no_price_list(stage: Stage) -> None:
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


def a_job_fails_and_is_retried(stage: Stage, prices: int) -> None:
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


def a_job_waits_for_later(stage: Stage) -> None:
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


def a_cron_function_fires(stage: Stage, prices: int) -> None:
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


def the_server_stops(stage: Stage) -> None:
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


def keep_open(stage: Stage) -> None:
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


# -- from the beginning to the end ------------------------------------------------------------------------


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
