"""Kernel locks beside the database: held by living processes, by nobody else."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

import pytest
from other_process import other_process, wait_until

from autocron.processes.locks import LockFile

HOLDER = """
import sys
from pathlib import Path
from autocron.processes.locks import LockFile

locks = LockFile.open(Path(sys.argv[1]))
for line in sys.stdin:
    print(eval(line), flush=True)
"""

FORKING = """
import os, signal, sys
from pathlib import Path
from autocron.processes.locks import LockFile

locks = LockFile.open(Path(sys.argv[1]))
assert locks.become_supervisor()
locks.attach(7)
locks.enter_worker()
pid = os.fork()
if pid == 0:
    sys.stdin.readline()
    locks.attach(9)
    print("child", flush=True)
    sys.stdin.readline()
    os._exit(0)
print(os.getpid(), pid, flush=True)
signal.pause()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db-lock"


def test_the_lock_file_is_private_and_opened_once(path: Path) -> None:
    locks = LockFile.open(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert LockFile.open(path) is locks
    (path.parent / "link").symlink_to(path)
    assert LockFile.open(path.parent / "link") is locks


def test_nobody_holds_anything_at_first(path: Path) -> None:
    locks = LockFile.open(path)
    assert locks.supervisor_pid() is None
    assert locks.an_attached_pid() is None
    assert locks.attached_pids() == []
    assert locks.worker_pids() == []


def test_g1_one_process_supervises_and_the_others_know_which(path: Path) -> None:
    locks = LockFile.open(path)
    with other_process(HOLDER, path) as other:
        other.say("locks.become_supervisor()")
        assert other.hears() == "True"
        assert locks.supervisor_pid() == other.pid
        assert not locks.become_supervisor()


def test_g3_the_kernel_frees_the_locks_of_a_killed_process(path: Path) -> None:
    locks = LockFile.open(path)
    with other_process(HOLDER, path) as other:
        other.say("(locks.become_supervisor(), locks.attach(1), locks.enter_worker())")
        other.hears()
        assert (locks.supervisor_pid(), locks.attached_pids(), locks.worker_pids()) == (other.pid, [other.pid], [other.pid])
        other.kill()
    assert (locks.supervisor_pid(), locks.attached_pids(), locks.worker_pids()) == (None, [], [])
    assert locks.become_supervisor()


def test_attached_processes_are_known_by_their_application(path: Path) -> None:
    locks = LockFile.open(path)
    with other_process(HOLDER, path) as other:
        other.say("locks.attach(3)")
        other.hears()
        assert locks.an_attached_pid() == locks.an_attached_pid(3) == other.pid
        assert locks.an_attached_pid(2) is None
        assert locks.an_attached_pid(4) is None
        other.say("locks.detach(3)")
        other.hears()
        assert locks.an_attached_pid() is None


def test_applications_with_neighbouring_numbers_do_not_share_locks(path: Path) -> None:
    locks = LockFile.open(path)
    with other_process(HOLDER, path) as other:
        other.say("[locks.attach(n) for n in (0, 1, 2, 100000)]")
        other.hears()
        for number in (0, 1, 2, 100_000):
            assert locks.an_attached_pid(number) == other.pid
        other.say("locks.detach(1)")
        other.hears()
        assert [locks.an_attached_pid(number) for number in (0, 1, 2)] == [other.pid, None, other.pid]


def test_a_process_does_not_see_its_own_attachment(path: Path) -> None:
    locks = LockFile.open(path)
    locks.attach(1)
    assert locks.attached_pids() == []
    with other_process(HOLDER, path) as other:
        other.say("locks.attached_pids()")
        assert other.hears() == str([os.getpid()])
    locks.detach(1)


def test_the_worker_of_a_job_is_known_while_it_runs_it(path: Path) -> None:
    locks = LockFile.open(path)
    largest = (1 << 60) - 1
    with other_process(HOLDER, path) as other:
        other.say("(locks.enter_worker(), locks.begin_job(7), locks.begin_job(8), locks.begin_job((1 << 60) - 1))")
        other.hears()
        assert [locks.worker_of(job) for job in (6, 7, 8, 9, largest)] == [None, other.pid, other.pid, None, other.pid]
        assert locks.worker_pids() == [other.pid]
        other.say("locks.end_job(7)")
        other.hears()
        assert [locks.worker_of(job) for job in (7, 8)] == [None, other.pid]
        other.kill()
    assert locks.worker_of(8) is None


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]])
def test_g23_every_living_worker_is_found_in_whatever_order_they_came(path: Path, order: list[int]) -> None:
    locks = LockFile.open(path)
    with other_process(HOLDER, path) as a, other_process(HOLDER, path) as b, other_process(HOLDER, path) as c:
        others = [a, b, c]
        for which in order:
            others[which].say("(locks.enter_worker(), locks.attach(1))")
            others[which].hears()
        assert sorted(locks.worker_pids()) == sorted(other.pid for other in others)
        assert sorted(locks.attached_pids()) == sorted(other.pid for other in others)


def test_g7_a_forked_child_inherits_no_lock(path: Path) -> None:
    locks = LockFile.open(path)
    with other_process(FORKING, path) as other:
        parent, child = map(int, other.hears().split())
        assert (locks.supervisor_pid(), locks.attached_pids(), locks.worker_pids()) == (parent, [parent], [parent])
        os.kill(parent, signal.SIGKILL)
        wait_until(lambda: locks.supervisor_pid() is None, "the supervisor's lock is free although its child lives")
        assert (locks.attached_pids(), locks.worker_pids()) == ([], [])
        other.say()
        wait_until(lambda: locks.attached_pids() == [child], "the child has attached by itself")
        other.say()


def test_one_spawn_in_a_while_on_the_whole_host(path: Path) -> None:
    locks = LockFile.open(path)
    assert locks.may_spawn(100.0, 1.0)
    assert not locks.may_spawn(100.9, 1.0)
    with other_process(HOLDER, path) as other:
        other.say("locks.may_spawn(100.9, 1.0)")
        assert other.hears() == "False"
        other.say("locks.may_spawn(101.1, 1.0)")
        assert other.hears() == "True"
    assert not locks.may_spawn(101.2, 1.0)
    assert locks.may_spawn(3.0, 1.0), "after a reboot the monotonic clock starts again"


def test_a_damaged_lock_file_only_costs_a_superfluous_spawn(path: Path) -> None:
    path.write_bytes(b"\xff" * 8)
    assert LockFile.open(path).may_spawn(100.0, 1.0)
