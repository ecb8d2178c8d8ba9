"""``supervise`` where containers and service managers put it: as process 1, with a manager that waits for word of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from command import PATIENCE, environment, fine, wait_until
from served import Served

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="namespaces, subreapers and /proc are Linux's")

PROCESS_ONE = ("unshare", "--pid", "--fork", "--kill-child")
SUBREAPER = (
    sys.executable,
    "-c",
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(36, 1); os.execvp(sys.argv[1], sys.argv[1:])",
)


def as_process_one() -> Sequence[str]:
    """Orphans become its children either way; without the right to make a namespace, it isn't number 1 of one."""
    try:
        allowed = subprocess.run([*PROCESS_ONE, "true"], capture_output=True, check=False, timeout=PATIENCE).returncode == 0
    except FileNotFoundError:
        allowed = False
    return PROCESS_ONE if allowed else SUBREAPER


def children_of(pid: int) -> dict[int, str]:
    """Its children, and the state of each."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            state, parent = (entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        if int(parent) == pid:
            found[int(entry.name)] = state
    return found


def test_as_process_one_it_reaps_orphans_and_ends_at_a_term(served: Served) -> None:
    process = served.start(under=as_process_one())
    served.wait_until_worked()
    fine(served.database, "status", "--check")
    pid = fine(served.database, "status", "--json").json["supervisor"]["pid"]
    assert served.wait_for(served.call("leave_an_orphan()"), "done")["result"] > 0
    assert 2 <= len(children_of(pid)) <= 3  # the application's process, a worker, and the orphan unless it has been reaped
    wait_until("the orphan to be reaped", lambda: len(children_of(pid)) == 2, lambda: children_of(pid))
    assert "Z" not in children_of(pid).values()
    served.wait_for(served.call("sleep(0)"), "done")
    children = children_of(pid)
    os.kill(pid, signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
    wait_until("all to be gone", lambda: not any(Path(f"/proc/{each}").exists() for each in (pid, *children)))
    assert "supervisor" in served.log.read_text()


@pytest.mark.parametrize("abstract", [False, True])
def test_a_service_manager_is_told_when_jobs_are_worked_and_the_workers_know_nothing_of_it(
    served: Served, abstract: bool
) -> None:
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    address = f"autocron-test-{os.getpid()}" if abstract else str(served.folder / "n")
    manager.bind("\0" + address if abstract else address)
    manager.settimeout(PATIENCE)
    with (served.folder / "shop.py").open("a") as file:
        file.write("\n\n@autocron.delay\ndef ask():\n    return os.environ.get('NOTIFY_SOCKET')\n")
    try:
        process = served.start(NOTIFY_SOCKET=f"@{address}" if abstract else address)
        assert manager.recv(100) == b"READY=1"
    finally:
        manager.close()
    served.wait_until_worked()
    assert served.wait_for(served.call("ask()"), "done")["result"] is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0


WEB = """
import sys
sys.path.insert(0, sys.argv[2])
import autocron, shop

print(autocron.start(sys.argv[1]), flush=True)
for line in sys.stdin:
    print(shop.add(int(line)).uuid, flush=True)
"""


def test_a_web_process_leaves_the_supervisor_to_the_service_where_it_is_told_so(served: Served) -> None:
    web = subprocess.Popen(
        [sys.executable, "-c", WEB, str(served.database), str(served.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(AUTOCRON_SUPERVISOR="external"),
        cwd=served.folder,
    )
    assert web.stdin is not None
    assert web.stdout is not None
    try:
        assert web.stdout.readline() == "False\n"
        web.stdin.write("1\n")
        web.stdin.flush()
        first = web.stdout.readline().strip()
        assert served.operations.status().processes.supervisor is None
        assert served.operations.show(first).job.status == "waiting"
        process = served.start()
        served.wait_for(first, "done")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        web.stdin.write("2\n")
        web.stdin.flush()
        second = web.stdout.readline().strip()
        # What the service had started leaves on its own.
        wait_until("only the web process to be attached", lambda: served.attached() == [web.pid], served.describe)
        overview = served.operations.status()
        assert overview.processes.supervisor is None
        assert "leave it to the command `supervise`" in overview.problems[0]
        assert served.operations.show(second).job.status == "waiting"
    finally:
        web.stdin.close()
        web.wait(PATIENCE)
        web.stdout.close()


def test_an_application_that_cannot_be_loaded_is_never_ready_and_a_manager_that_has_gone_is_no_reason_to_stop(
    served: Served,
) -> None:
    process = served.start(app="shopp", NOTIFY_SOCKET=str(served.folder / "nobody"))
    assert process.wait(PATIENCE) == 1
    assert "NOTIFY_SOCKET" not in served.log.read_text()
    served.start(NOTIFY_SOCKET=str(served.folder / "nobody"))
    served.wait_until_worked()
    assert "can't be told READY=1" in served.log.read_text()
