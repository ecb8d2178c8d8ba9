"""100,000 jobs: an operator doesn't wait, whether nothing runs or everything does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import COMMAND, Filled, environment, run_in_terminal
from served import Served

JOBS = 100_000
SECONDS = 0.5


@pytest.fixture(scope="module", params=["mostly waiting", "mostly done, and being worked"])
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    served = Served(tmp_path_factory.mktemp("large"))
    filled = Filled(served.database)
    waiting = request.param == "mostly waiting"
    done = 1_000 if waiting else JOBS - 1_000
    insert = """
        with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < :jobs)
        insert into jobs (nonce, task, application, queue, priority, state, readiness, run_at, arguments, policy, created_at,
                          attempt, started_at, finished_at, expires_at, result)
        select n, 'shop.mail', :application, 'default', 0,
               case when n > :done then 'waiting' when n % 50 then 'done' else 'error' end, 1, :now, :arguments, '{}', :now,
               n <= :done, iif(n <= :done, :now, null), iif(n <= :done, :now, null), iif(n <= :done, :now + 9000000000, null),
               iif(n <= :done, '"sent"', null)
        from numbers
    """
    arguments = f'[["ann@example.com {"and a message of ordinary length " * 8}"],{{}}]'
    values = {"jobs": JOBS, "done": done, "application": filled.application, "now": filled.now, "arguments": arguments}
    filled.store.database.write(insert, values)
    filled.store.close()
    try:
        if not waiting:
            served.start()  # its application knows the task, so the waiting jobs become its own
            served.wait_until_worked()
        yield served.database
    finally:
        served.end()


@pytest.fixture(scope="module")
def seconds_allowed() -> float:
    """Half a second; more on a machine so busy that even a command without a database takes long."""
    return max(SECONDS, 4 * min(processor_seconds("explain", "5 * * * *", status=0) for _ in range(3)))


def processor_seconds(*arguments: str, status: int) -> float:
    """What the command takes of the processor, start of Python included: other tests may run on this machine."""
    child = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.DEVNULL, env=environment())
    _, ended, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(ended)
    assert child.returncode == status
    return usage.ru_utime + usage.ru_stime


@pytest.mark.parametrize(
    "command", ["status", "jobs", "jobs --status error", "jobs --status waiting --sort next", "jobs --task nothing"]
)
def test_questions_take_less_than_half_a_second(large: Path, command: str, seconds_allowed: float) -> None:
    assert processor_seconds(str(large), *command.split(), status=0) < seconds_allowed


def test_the_status_of_all_that_fits_one_screen_of_a_terminal(large: Path) -> None:
    status, shown = run_in_terminal(large, columns=120, rows=30)
    assert status == 0
    assert " done, " in shown
    assert "shop.mail" in shown or "0 waiting" in shown
    assert len(shown.splitlines()) < 30
