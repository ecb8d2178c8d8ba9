"""A worker and everything in its group end with the supervisor, whatever they are doing."""

from __future__ import annotations

import os
import sys

import pytest
from other_process import is_alive, other_process, wait_until

from autocron.processes.signals import kill_group

WORKER = """
import os, re, subprocess, sys, time
from autocron.processes.lifeline import end_with

end_with(int(sys.argv[1]))
child = subprocess.Popen(["sleep", "3600"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
print(child.pid, flush=True)
sys.stdin.readline()
match sys.argv[2]:
    case "sleeps":
        time.sleep(3600)
    case "holds the interpreter's lock":
        re.match("(a+)+$", "a" * 60 + "b")
    case "is deaf":
        import signal
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGIO):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        time.sleep(3600)
"""

WHILES = ["sleeps", "is deaf"]
if sys.platform.startswith("linux"):  # elsewhere a thread has to get its turn
    WHILES.append("holds the interpreter's lock")


@pytest.mark.parametrize("doing", WHILES)
def test_g4_a_closed_lifeline_ends_the_whole_group(doing: str) -> None:
    reader, writer = os.pipe()
    with other_process(WORKER, reader, doing, pass_fds=(reader,), own_group=True) as worker:
        os.close(reader)
        child = int(worker.hears())
        worker.say()
        assert is_alive(child)
        assert worker.process.poll() is None
        os.close(writer)
        assert worker.process.wait(6) == -9
        wait_until(lambda: not is_alive(child), "the child of the worker has gone")


def test_g4_a_lifeline_that_was_closed_before_it_was_held_ends_the_worker_too() -> None:
    reader, writer = os.pipe()
    os.close(writer)
    with other_process(WORKER, reader, "sleeps", pass_fds=(reader,), own_group=True) as worker:
        os.close(reader)
        assert worker.process.wait(10) == -9


def test_killing_a_group_ends_what_a_job_has_started() -> None:
    reader, writer = os.pipe()
    with other_process(WORKER, reader, "sleeps", pass_fds=(reader,), own_group=True) as worker:
        os.close(reader)
        child = int(worker.hears())
        assert kill_group(worker.pid)
        assert worker.process.wait(6) == -9
        wait_until(lambda: not is_alive(child), "the child of the worker has gone")
    os.close(writer)
