"""What an application hangs around its jobs works in its workers, also when the hooks are in a module without a task."""

from __future__ import annotations

import textwrap

from running import Application, Running

ALERTS = """
import os
from contextvars import ContextVar
import autocron

request_id = ContextVar("request_id", default="-")
autocron.carry(request_id)


def note(*words):
    with open("notes.txt", "a") as notes:
        notes.write(" ".join(map(str, words)) + "\\n")


@autocron.around_job
def around():
    job = autocron.current_job()
    note("begins", job.task.rpartition(".")[2], job.attempt)
    yield
    note("ends", job.task.rpartition(".")[2])


@autocron.on_error
def alert(job, error):
    note("failed", job.task.rpartition(".")[2], job.attempt, job.uuid, type(error).__name__, error)


@autocron.on_error
def broken_alert(job, error):
    raise OSError("no mail server")


@autocron.on_missed
def missed(schedule, slot, reason):
    note("missed", schedule, slot.isoformat(), reason)
"""

WORK = """
import asyncio, os, signal, time
import autocron
import alerts


@autocron.delay
def read():
    alerts.note("request", alerts.request_id.get())
    alerts.request_id.set("of the task")
    return autocron.current_job().uuid


@autocron.delay
async def read_async():
    await asyncio.sleep(0.01)
    alerts.note("request", alerts.request_id.get())
    return autocron.current_job().uuid


@autocron.delay(retries=1, backoff=0)
def fail(how):
    if how == "raise":
        raise ValueError("no such account")
    if how == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(3600)


@autocron.delay
def slowly(file):
    autocron.current_job().progress(1, 4)
    while not os.path.exists(file):
        time.sleep(0.01)
    autocron.current_job().progress(4, 4)


def call_as(request, task):
    alerts.request_id.set(request)
    return task().uuid
"""

SLOW_SCHEDULE = """
import time, autocron

@autocron.cron("* * * * * *", dialect="unix")
def slow():
    time.sleep(30)
"""


def application(running: Running, **settings: int) -> Application:
    for name, source in (("alerts", ALERTS), ("work", WORK), ("slow", SLOW_SCHEDULE)):
        (running.folder / f"{name}.py").write_text(textwrap.dedent(source))
    app = running.application(**settings)
    app.ask("import contextvars, work")
    return app


def notes(running: Running) -> list[str]:
    file = running.folder / "notes.txt"
    return file.read_text().splitlines() if file.exists() else []


def failures(running: Running) -> list[str]:
    return [line for line in notes(running) if line.startswith("failed")]


def test_context_managers_and_context_variables_surround_each_attempt(running: Running) -> None:
    app = application(running)
    for request, task in (("r1", "read"), ("r2", "read_async")):
        uuid = app.ask(f"contextvars.copy_context().run(work.call_as, {request!r}, work.{task})")
        assert running.wait_until_ended(uuid, timeout=60).result == f'"{uuid}"'
    uuid = app.call("work.read()")
    running.wait_until_ended(uuid, timeout=60)
    assert [line for line in notes(running) if "request" in line] == ["request r1", "request r2", "request -"]
    assert notes(running)[:3] == ["begins read 1", "request r1", "ends read"]


def test_on_error_is_told_of_each_final_failure_however_the_attempt_ended(running: Running) -> None:
    app = application(running)
    for code in (
        "work.fail('raise')",
        "work.fail.options(timeout=0.2)('sleep')",
        "work.fail.options(at_most_once=True)('die')",
    ):
        uuid = app.call(code)
        running.wait_until_ended(uuid, timeout=60)
        running.wait_until(lambda uuid=uuid: any(uuid in line for line in failures(running)), f"{code} is told of", timeout=60)
    raised, timed_out, lost = failures(running)
    assert raised.startswith("failed fail 2 ")
    assert raised.endswith("ValueError no such account")
    assert timed_out.startswith("failed fail 2 ")
    assert "TimeoutError the attempt took longer than timeout=0.2 s" in timed_out
    assert lost.startswith("failed fail 1 ")
    assert "TaskFailed the worker was killed by SIGKILL" in lost
    assert "no mail server" in running.output.read_text()
    assert [line for line in notes(running) if "tell" in line] == []


def test_on_missed_is_told_of_a_slot_that_overlaps(running: Running) -> None:
    app = application(running, workers=2)
    app.ask("import slow")
    running.wait_until(
        lambda: any(line.startswith("missed slow.slow 20") and line.endswith("overlap") for line in notes(running)),
        "a slot was missed, and the hook told",
        timeout=60,
    )


def test_progress_is_seen_while_the_job_runs(running: Running) -> None:
    app = application(running)
    file = running.folder / "go-on"
    app.ask(f"handle = work.slowly({str(file)!r})")
    running.wait_until(lambda: app.ask("handle.progress") == [1, 4], "the first quarter is told", timeout=60)
    file.touch()
    app.ask("handle.wait(60)", timeout=70)
    assert app.ask("handle.progress") == [4, 4]
