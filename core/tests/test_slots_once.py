"""A slot makes one job: fired twice, by two processes at once, and killed between any two statements."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ticking import DAY, EVERY_MINUTE, HOURLY, MIDNIGHT, MINUTE, SECOND, System, TestClock

from autocron.store import SqliteStore
from autocron.supervisor.clockwork import Clockwork

# A supervisor's clockwork that has read its schedules at an earlier moment, or hasn't if that is 0. It waits for a line,
# fires, and dies before its statement number ``deadly``.
FIRING = """
import os, signal, sys
from pathlib import Path
from autocron import clock
from autocron.supervisor.clockwork import Clockwork
from autocron.store import SqliteStore

path, earlier, moment, deadly, *attached = sys.argv[1:]
store = SqliteStore(Path(path))
clockwork = Clockwork(store)
clockwork.reload()
clock.now = lambda: int(earlier)
if int(earlier):
    clockwork.fire([*map(int, attached)])
clock.now = lambda: int(moment)
statements = 0

def count(statement):
    global statements
    statements += 1
    if statements == int(deadly):
        os.kill(os.getpid(), signal.SIGKILL)

store.database._open().set_trace_callback(count)
print("ready", flush=True)
sys.stdin.readline()
clockwork.fire([*map(int, attached)])
print(statements)
"""


def firing(path: Path, moment: int, *attached: int, earlier: int = 0, deadly: int = 0) -> subprocess.Popen[str]:
    """A process that is ready to fire."""
    process = subprocess.Popen(
        [sys.executable, "-c", FIRING, *map(str, (path, earlier, moment, deadly, *attached))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(*processes: subprocess.Popen[str]) -> list[tuple[int, str]]:
    """Let them fire together. How each ended, and what it said."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=30)[0] for process in processes]
    return [(process.returncode, each) for process, each in zip(processes, said, strict=True)]


def test_two_clockworks_with_the_same_state_make_one_job_of_a_slot(system: System, time: TestClock) -> None:
    application = system.start(system.scheduled(EVERY_MINUTE, "app.a"), system.scheduled(EVERY_MINUTE, "app.b"))
    other = SqliteStore(system.path)
    second = Clockwork(other)
    second.fire([application])
    for minute in range(1, 6):
        time.pass_(MINUTE)
        system.clockwork.fire([application])
        second.fire([application])  # it still believes that the slot is to come
        system.clockwork.fire([application])
        system.finish_all()
        assert system.slots() == [60 * n for n in range(1, minute + 1) for _ in range(2)]
        assert second.next_moment([application]) == system.clockwork.next_moment([application])
    other.close()


def test_a_slot_whose_job_has_been_deleted_makes_no_second_one(system: System, time: TestClock) -> None:
    system.start(system.scheduled(EVERY_MINUTE))
    stale = Clockwork(system.store)
    stale.fire(system.attached)
    time.pass_(MINUTE)
    system.fire()
    system.finish_all()
    system.store.expire(time.wall + DAY, 100)
    stale.fire(system.attached)
    assert system.slots() == []


@pytest.mark.parametrize("misfire", ["latest", "all"])
def test_processes_that_fire_at_once_make_one_job_of_each_slot(system: System, time: TestClock, misfire: str) -> None:
    given = [system.scheduled(HOURLY, f"app.t{number}", misfire=misfire, overlap="allow") for number in range(30)]
    application = system.start(*given)
    began = time.wall
    time.pass_(3 * 60 * MINUTE)
    processes = [firing(system.path, time.wall, application, earlier=began) for _ in range(3)]
    assert [status for status, _ in go(*processes)] == [0, 0, 0]
    expected = [10_800] if misfire == "latest" else [3600, 7200, 10_800]
    assert sorted(system.slots()) == sorted(expected * 30)
    found = {(job.schedule, job.run_at) for job in system.jobs()}
    assert len(found) == len(expected) * 30


def test_a_supervisor_that_is_killed_between_any_two_statements_makes_one_job_of_each_slot(
    system: System, time: TestClock, tmp_path: Path
) -> None:
    application = system.start(
        system.scheduled(HOURLY, "app.a", misfire="all", overlap="queue"),
        system.scheduled(EVERY_MINUTE, "app.b"),
        system.scheduled(EVERY_MINUTE, "app.c", misfire="all", overlap="allow", grace=150.0),
    )
    time.pass_(2 * 60 * MINUTE + SECOND)
    system.store.close()
    killed_with = set()
    for deadly in range(1, 200):
        path = Path(shutil.copy(system.path, tmp_path / f"{deadly}.db"))
        ((status, said),) = go(firing(path, time.wall, application, deadly=deadly))
        left = System(path, time)
        left.attached = [application]
        killed_with.add(len(left.slots()))
        left.replace_supervisor()
        left.fire()
        found = {name: [] for name in ("app.a", "app.b", "app.c")}
        for job in left.jobs():
            assert job.schedule is not None
            found[job.schedule].append((job.run_at - MIDNIGHT) // SECOND)
        assert found == {"app.a": [3600, 7200], "app.b": [7200], "app.c": [7080, 7140, 7200]}
        upcoming = {schedule.name: schedule.next_run_at for schedule in left.store.schedules()}
        assert upcoming == {"app.a": MIDNIGHT + 10_800 * SECOND, **dict.fromkeys(("app.b", "app.c"), MIDNIGHT + 7260 * SECOND)}
        left.store.close()
        if status == 0:
            break
        assert status == -signal.SIGKILL
    else:
        raise AssertionError("it never got to its end")
    assert int(said) == deadly - 1 > 15
    assert killed_with == {0, 2, 3, 6}  # each schedule's slots appeared together
