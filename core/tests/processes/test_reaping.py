"""A child's end: its status is told once, and nothing that it has started outlives it."""

from __future__ import annotations

import pytest
from other_process import is_alive, other_process, wait_until

PARENT = """
import os, subprocess, sys, time
from autocron.processes.signals import reap_child

if sys.argv[1] == "without waitid" and hasattr(os, "waitid"):
    del os.waitid

CHILD = '''
import subprocess
started = subprocess.Popen(["sleep", "3600"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
print(started.pid, flush=True)
input()
raise SystemExit(3)
'''
print("before:", reap_child(), flush=True)
child = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0)
print(child.stdout.readline().decode().strip(), flush=True)
print("while it runs:", reap_child(), flush=True)
sys.stdin.readline()
child.stdin.write(b"\\n")
child.stdin.flush()
while (ended := reap_child()) is None:
    time.sleep(0.005)
pid, status = ended
print("then:", pid == child.pid, os.waitstatus_to_exitcode(status), flush=True)
print("afterwards:", reap_child(), flush=True)
child.returncode = 0
sys.stdin.readline()
"""


@pytest.mark.parametrize("system", ["with waitid", "without waitid"])
def test_a_child_that_has_ended_is_reaped_once_and_what_it_has_started_ends_with_it(system: str) -> None:
    with other_process(PARENT, system) as parent:
        assert parent.hears() == "before: None"
        started = int(parent.hears())
        assert parent.hears() == "while it runs: None"
        assert is_alive(started)
        parent.say()
        assert parent.hears() == "then: True 3"
        assert parent.hears() == "afterwards: None"
        wait_until(lambda: not is_alive(started), "what the child had started has gone", timeout=45)
