"""What attempts log and print is kept with them, and appears in the server's terminal once, as it always did."""

from __future__ import annotations

import textwrap

from running import Application, Running

from autocron.current import LEFT_OUT
from autocron.store.reports import Attempt, Reports

TASKS = """
import asyncio, logging, multiprocessing, sys, threading
import autocron

logger = logging.getLogger("app.mail")
together = threading.Barrier(2)


@autocron.delay
def send(address):
    logger.warning("sending to %s", address)
    print("one", end=" ")
    print("two")
    print("three", file=sys.stderr)
    try:
        1 / 0
    except ZeroDivisionError:
        logger.exception("no %s", "luck")
    logger.debug("never seen")
    logger.warning("%d is no number", "x")


@autocron.delay(retries=1, backoff=0)
def fail():
    print(f"attempt {autocron.current_job().attempt}")
    raise ValueError("no")


@autocron.delay
def configured():
    logging.basicConfig(format="configured %(message)s", level=logging.INFO, force=False)
    logger.info("hello")


@autocron.delay
def side_by_side(name):
    together.wait(40)
    for number in range(20):
        print(f"{name} {number}")
    together.wait(40)


def in_a_child():
    print("from the child")
    autocron.current_job().progress(1, 2)


@autocron.delay
def forking():
    child = multiprocessing.get_context("fork").Process(target=in_a_child)
    child.start()
    child.join()
    print("from the worker")


@autocron.delay
def much():
    for number in range(20_000):
        print(f"line {number}")
"""


def attempts(running: Running, uuid: str) -> tuple[Attempt, ...]:
    details = Reports(running.store.database).details(uuid)
    assert details is not None
    return details.attempts


def call(running: Running, app: Application, code: str) -> tuple[Attempt, ...]:
    uuid = app.call(code)
    running.wait_until_ended(uuid, timeout=60)
    return attempts(running, uuid)


def application(running: Running, **settings: int) -> Application:
    (running.folder / "logged.py").write_text(textwrap.dedent(TASKS))
    app = running.application(**settings)
    app.ask("import logged")
    return app


def test_g61_records_and_prints_are_kept_in_order_and_appear_once(running: Running) -> None:
    app = application(running)
    (only,) = call(running, app, "logged.send('a@b.c')")
    lines = only.lines.splitlines()
    assert lines[0].endswith("WARNING app.mail: sending to a@b.c")
    assert lines[1:3] == ["one two", "three"]
    assert lines[3].endswith("ERROR app.mail: no luck")
    assert lines[4] == "Traceback (most recent call last):"
    assert lines[-1] == "ZeroDivisionError: division by zero"
    said = running.output.read_text()
    assert [said.count(text) for text in ("sending to a@b.c\n", "one two\n", "three\n", "no luck\n")] == [1, 1, 1, 1]
    assert said.count("--- Logging error ---") == 1, "what the application logs wrongly is its own matter"


def test_each_attempt_has_its_own_lines(running: Running) -> None:
    app = application(running)
    first, second = call(running, app, "logged.fail()")
    assert (first.lines, second.lines) == ("attempt 1\n", "attempt 2\n")
    assert call(running, app, "add(1, 2)")[0].lines == ""


def test_g61_the_application_configures_logging_as_it_likes(running: Running) -> None:
    app = application(running)
    (only,) = call(running, app, "logged.configured()")
    assert only.lines.endswith("INFO app.mail: hello\n")
    assert running.output.read_text().count("configured hello\n") == 1


def test_jobs_side_by_side_keep_their_lines_apart(running: Running) -> None:
    app = application(running, threads=2)
    uuids = app.ask("[handle.uuid for handle in logged.side_by_side.map([('a',), ('b',)])]")
    for name, uuid in zip("ab", uuids, strict=True):
        running.wait_until_ended(uuid, timeout=60)
        assert attempts(running, uuid)[0].lines == "".join(f"{name} {number}\n" for number in range(20))


def test_a_forked_child_leaves_the_worker_s_pipe_alone(running: Running) -> None:
    app = application(running)
    (only,) = call(running, app, "logged.forking()")
    assert (only.outcome, only.lines) == ("done", "from the worker\n")
    assert "from the child\n" in running.output.read_text()


def test_the_newest_lines_are_kept(running: Running) -> None:
    app = application(running)
    (only,) = call(running, app, "logged.much()")
    assert 60_000 < len(only.lines) <= 65_536
    following: int | None = None
    for line in only.lines.splitlines()[1:]:  # the first one may have been cut
        if line == LEFT_OUT.strip():
            following = None
            continue
        number = int(line.removeprefix("line "))
        assert following in (None, number), "a gap that nobody speaks of"
        following = number + 1
    assert following == 20_000
