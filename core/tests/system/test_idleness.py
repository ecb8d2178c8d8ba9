"""What has nothing to do does nothing: told by how often the kernel let each process sleep, whatever the machine's speed."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from running import Running

SECONDS = 5.0
WAKEUPS_A_SECOND = 3


def sleeps(pids: list[int]) -> int:
    """How often these processes have gone to sleep by themselves, all of their threads."""
    total = 0
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            status = (thread / "status").read_text()
            total += int(status.split("\nvoluntary_ctxt_switches:")[1].split()[0])
    return total


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux counts them in /proc")
def test_g65_an_idle_supervisor_and_its_workers_sleep(running: Running) -> None:
    app = running.application(workers=2)
    assert app.ask("[handle.wait(60) for handle in add.map([(n,) for n in range(20)])]") == list(range(20))
    running.wait_until(lambda: len(running.locks.worker_pids()) == 2, "both workers live")
    pids = [running.supervisor(), *running.locks.worker_pids()]

    def quiet() -> int | None:
        """The sleeps of some seconds, once they are few: what the jobs left to do (a checkpoint, say) may come first."""
        before, began = sleeps(pids), time.monotonic()
        running.wait_until(lambda: time.monotonic() - began >= SECONDS, "some seconds have passed")
        counted, seconds = sleeps(pids) - before, time.monotonic() - began
        return counted or 1 if counted <= WAKEUPS_A_SECOND * seconds else None

    print(running.wait_until(quiet, "nothing wakes up more than three times a second"), "sleeps in some seconds")
    handle = app.call("add(1, 2)")
    assert running.wait_until_ended(handle).attempts == 1
