"""100,000 jobs: an operator doesn't wait."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from command import COMMAND, Filled, environment

JOBS = 100_000
SECONDS = 0.5


@pytest.fixture(scope="module", params=["mostly waiting", "mostly done"])
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    filled = Filled(tmp_path_factory.mktemp("large") / "jobs.db")
    done = 1_000 if request.param == "mostly waiting" else JOBS - 1_000
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
    arguments = f'[["ann@example.com", "{"a message of ordinary length " * 8}"],{{}}]'
    values = {"jobs": JOBS, "done": done, "application": filled.application, "now": filled.now, "arguments": arguments}
    filled.store.database.write(insert, values)
    filled.store.close()
    return filled.path


@pytest.mark.parametrize(
    "command",
    ["status", "status --check", "jobs", "jobs --status error", "jobs --status waiting --sort next", "jobs --task nothing"],
)
def test_questions_take_less_than_half_a_second(large: Path, command: str) -> None:
    """Of the processor, start of Python included: other tests may run on this machine."""
    child = subprocess.Popen([*COMMAND, str(large), *command.split()], stdout=subprocess.DEVNULL, env=environment())
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == (1 if "--check" in command else 0)
    assert usage.ru_utime + usage.ru_stime < SECONDS
