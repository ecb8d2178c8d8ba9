"""Every framework under every server: one test for what goes on while it serves, one for sudden ends."""

from __future__ import annotations

import itertools
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integration_tests.harness import Ground, Process, jobs
from integration_tests.harness.ground import PATIENCE
from integration_tests.harness.jobs import Row
from integration_tests.harness.processes import look_at
from integration_tests.lifecycle.cells import RUNNABLE, Cell
from integration_tests.lifecycle.reports import Reports, deploy, importers, install
from integration_tests.lifecycle.verdicts import Verdicts

HOUR = 3600.0
SLOT = 5_000_000  # microseconds from one heartbeat to the next

BUSY = 20.0
"""Seconds that a machine with other work may add to what is promised."""

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.parametrize("cell", RUNNABLE, ids=[cell.name.replace(": ", "-") for cell in RUNNABLE]),
]


@pytest.fixture
def verdicts(cell: Cell, request: pytest.FixtureRequest) -> Iterator[Verdicts]:
    verdicts = Verdicts(cell)
    yield verdicts
    request.node.user_properties.append(verdicts.as_property())


def test_g1_g5_g6_g12_jobs_run_once_across_reloads_and_a_server_ends_as_without_autocron(
    ground: Ground, cell: Cell, verdicts: Verdicts
) -> None:
    install(ground, cell)
    status_alone = status_without_autocron(ground, cell)

    server = Reports(ground, cell)
    web = {server.popen.pid}
    with verdicts.check("job"):
        first = server.order("Rivers")
        result = server.report(first)
    first_supervisor = ground.wait_for_one_supervisor()
    web |= {process.pid for process in server.web_processes()} | {server.serving(first)}
    assert result["title"] == "Rivers"
    assert result["pid"] == server.row(first)["worker"]
    assert result["pid"] not in web

    if cell.reload:
        web |= goes_on_while_the_server_changes(server, first, verdicts)
    web |= {process.pid for process in server.web_processes()} | {server.serving(first)}

    with verdicts.check("slots"):
        ground.wait_until(lambda: len(heartbeats(server.database, "done")) >= 2, "two slots are done", look_every=0.1)
    supervisor = ground.wait_for_one_supervisor()
    undisturbed = supervisor.pid == first_supervisor.pid
    assert undisturbed or ended_when_nobody_was_attached(server, first_supervisor)
    assert not undisturbed or ground.supervisors_ever() == {str(supervisor.pid)}

    supervisor.kill()  # after a reload by exec the server doesn't remember that this is its child
    ground.wait_until(lambda: [s for s in ground.supervisors() if s.pid != supervisor.pid], "there is another supervisor")
    after = server.order("Lakes")
    assert server.report(after)["title"].startswith("Lakes")
    ground.wait_for_one_supervisor()
    # Under gevent it is the next call that collects a supervisor that has lost the race to replace this one.
    ground.wait_until(lambda: not ground.zombies() or not server.order("Ponds"), "nobody leaves a zombie", look_every=0.2)

    with verdicts.check("TERM"):
        hour = server.order("Oceans", HOUR)
        server.wait_until_running(hour)
        status, seconds = end(server)
        verdicts.note("TERM", f"{seconds:.1f} s, status {status}")
        assert seconds < 10 + BUSY
        assert status == status_alone
        row = server.row(hour)
        assert (row["state"], row["lost"]) == ("waiting", 0)
        jobs_ran_once(server, web, undisturbed=undisturbed)
        slots_fired_once(server)

    if not cell.reloads_code:
        with verdicts.check("reload"):
            deploy(ground, cell, "second edition", quick=True)
            again = Reports(ground, cell)
            assert again.report(hour)["title"] == "Oceans, second edition"
            assert again.row(hour)["attempt"] == row["attempt"] + 1
            assert again.report(again.order("Springs"))["title"] == "Springs, second edition"


def test_g3_g4_after_kill_nothing_is_left_and_the_next_start_finishes_the_job(
    ground: Ground, cell: Cell, verdicts: Verdicts
) -> None:
    install(ground, cell)
    server = Reports(ground, cell)
    hour = server.order("Oceans", HOUR)
    server.wait_until_running(hour)
    with verdicts.check("KILL"):
        server.popen.kill()
        server.popen.wait()
        if cell.orphans:
            kill_at_once(server.web_processes)
        seconds = ground.wait_until_nobody_is_left()
        verdicts.note("KILL", f"{seconds:.1f} s")
        assert seconds < 6 + BUSY
        row = server.row(hour)
        assert (row["state"], row["attempt"], row["lost"]) == ("waiting", 1, 0)

    with verdicts.check("KILL of all"):
        server = Reports(ground, cell)
        row = server.wait_until_running(hour)
        assert row["attempt"] == 2
        kill_at_once(ground.processes)
        ground.wait_until_nobody_is_left()
        assert server.row(hour)["state"] == "running"  # nobody could write anything else down
        deploy(ground, cell, "second edition", quick=True)
        server = Reports(ground, cell)
        assert server.report(hour)["title"] == "Oceans, second edition"
        assert server.row(hour)["attempt"] == 3
        ground.wait_for_one_supervisor()


# -- steps -------------------------------------------------------------------------------------------------


def status_without_autocron(ground: Ground, cell: Cell) -> int:
    """What the same server ends with on TERM when autocron is switched off."""
    server = Reports(ground, cell, {"AUTOCRON_DISABLE": "1"})
    server.get()
    status, _ = end(server)
    assert not ground.supervisors_ever()
    return status


def end(server: Reports) -> tuple[int, float]:
    """TERM. The exit status, and the seconds until no process is left."""
    began = time.monotonic()
    others = [process for process in server.web_processes() if process.pid != server.popen.pid]
    status = server.end()
    if server.cell.term_for_all:
        for process in others:
            process.send(signal.SIGTERM)
    server.ground.wait_until_nobody_is_left()
    return status, time.monotonic() - began


def goes_on_while_the_server_changes(server: Reports, uuid: str, verdicts: Verdicts) -> set[int]:
    """Web processes are replaced and new code comes in while a job runs: new jobs run the new code, the running one
    ends with the old. The web processes that have answered.

    Where a machine is so busy that the job ends before, or that nobody is attached for longer than a supervisor
    lingers, nothing has been shown, and it is done again.
    """
    ground, cell, answered, before = server.ground, server.cell, set[int](), ""
    for seconds, edition in ((8, "second edition"), (20, "third edition"), (60, "fourth edition")):
        running = server.order(f"Seas {seconds}", seconds)
        server.wait_until_running(running)
        supervisor = ground.wait_for_one_supervisor()
        workers = {worker.pid for worker in ground.workers()}
        if cell.recycles:
            with verdicts.check("recycling"):
                answered |= answering(server, uuid, 4)  # there are two at a time
        with verdicts.check("reload"):
            answered |= reload(server, edition, uuid)
            new = server.order(f"Springs {seconds}")
            after = f", {edition}" if cell.reloads_code else ""
            if cell.reloads_code:  # else the only worker is still busy
                server.report(new, seconds)
        spans = server.row(running)["state"] == "running"
        result = server.report(running, seconds)
        assert server.report(new, seconds)["title"] == f"Springs {seconds}{after}"
        if ground.wait_for_one_supervisor().pid == supervisor.pid:
            assert result["title"] == f"Seas {seconds}{before}"
            assert result["pid"] in workers
            assert server.row(running)["attempt"] == 1
            if spans:
                return answered
        else:
            assert ended_when_nobody_was_attached(server, supervisor)
        before = after
    raise AssertionError("three jobs ended before the server had new code, or three times nobody was attached for long")


def answering(server: Reports, uuid: str, count: int) -> set[int]:
    """The processes that answer, once so many have."""
    pids: set[int] = set()

    def enough() -> bool:
        pids.add(server.serving(uuid))
        return len(pids) >= count

    server.ground.wait_until(enough, f"{count} processes have answered")
    return pids


def reload(server: Reports, edition: str, uuid: str) -> set[int]:
    """Deploy an edition and have the server take it, or (where HUP brings no new code) replace its processes. Those
    that have answered meanwhile; the last one is new."""
    ground, cell = server.ground, server.cell
    old = {process.pid for process in server.web_processes() if process.pid != server.popen.pid} - helpers(server)
    if cell.reloads_code:
        deploy(ground, cell, edition)
    if cell.reload == "HUP":
        server.popen.send_signal(signal.SIGHUP)
    again = time.monotonic() + 5
    found: set[int] = set()

    def taken() -> bool:
        nonlocal again
        if cell.reload == "touch" and time.monotonic() > again:  # it was changed before the reloader first looked
            again = time.monotonic() + 5
            (ground.code / cell.framework.tasks).touch()
        if cell.reload == "HUP" and old & {process.pid for process in server.web_processes()}:
            return False
        if cell.reloads_code and not importers(server, edition):
            return False
        pid = server.serving(uuid)
        found.add(pid)
        if not cell.reloads_code:
            return pid not in old
        serving = look_at(pid)  # uWSGI's master imports it, and forks
        return serving is not None and bool({pid, serving.parent} & importers(server, edition))

    ground.wait_until(taken, f"the server has the {edition}", look_every=0.05)
    return found


def ended_when_nobody_was_attached(server: Reports, supervisor: Process) -> bool:
    """It takes a machine so busy that a reload's gap is longer than a supervisor lingers."""
    return f"supervisor {supervisor.pid} ends" in server.said


def helpers(server: Reports) -> set[int]:
    """Processes of the server in which no application runs: multiprocessing's."""
    return {process.pid for process in server.web_processes() if "resource_tracker" in " ".join(process.command)}


def kill_at_once(find: Callable[[], list[Process]]) -> None:
    """Stopped first, so that none of them sees another's end."""
    ground_to_a_halt: list[Process] = []

    def all_stopped() -> bool:
        ground_to_a_halt[:] = find()
        running = [process for process in ground_to_a_halt if process.state not in ("T", "t")]
        for process in running:
            process.send(signal.SIGSTOP)
        return not running

    deadline = time.monotonic() + PATIENCE
    while not all_stopped():
        assert time.monotonic() < deadline, f"can't be stopped: {ground_to_a_halt}"
        time.sleep(0.01)
    for process in ground_to_a_halt:
        process.kill()


# -- what the file and the terminal tell once all has ended ------------------------------------------------


def jobs_ran_once(server: Reports, web: set[int], *, undisturbed: bool) -> None:
    """Each report in one attempt, in no web process, and its line printed once."""
    rows = jobs.rows(server.database, "select * from jobs where task like '%.build_report'")
    assert len(rows) >= 3
    for row in rows:
        assert row["worker"] not in web, row
        assert not undisturbed or row["attempt"] == 1, row
    printed = re.findall(r"(\d+) (?:has )?built the report", server.said)
    assert set(printed) <= {str(row["worker"]) for row in rows}
    assert once_each(rows, len(printed)), (printed, rows)


def slots_fired_once(server: Reports) -> None:
    rows = heartbeats(server.database)
    slots = sorted(row["slot"] for row in rows)
    gaps = [later - earlier for earlier, later in itertools.pairwise(slots)]
    assert all(gap > 0 and gap % SLOT == 0 for gap in gaps), gaps
    printed = len(re.findall(r"\d+ is alive", server.said))
    assert once_each(rows, printed), (printed, rows)


def once_each(rows: list[Row], printed: int) -> bool:
    """Whether that many lines come of one for each attempt that came to its end."""
    done = len([row for row in rows if row["state"] == "done"])
    return done <= printed <= sum(row["attempt"] for row in rows)


def heartbeats(database: Path, *states: str) -> list[Row]:
    rows = jobs.rows(database, "select slot, state, attempt, worker from jobs where task like '%.heartbeat'")
    return [row for row in rows if not states or row["state"] in states]
