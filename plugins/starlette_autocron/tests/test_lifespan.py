"""The lifespan in a real process: under pytest itself nothing would be spawned."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

APPLICATION = """
import asyncio
import contextlib
import os
import sys

import autocron
import starlette_autocron
from starlette.applications import Starlette


@autocron.delay
def whoami() -> int:
    return os.getpid()


events = []


@contextlib.asynccontextmanager
async def mine(app):
    events.append(f"up {isinstance(autocron.get_results(), list)}")
    yield {"greeting": "hello"}
    autocron.get_results()  # still attached
    events.append("down")


app = Starlette(lifespan=starlette_autocron.lifespan(sys.argv[1], wraps=mine, workers=2))


async def main():
    async with app.router.lifespan_context(app) as state:
        worker = await whoami()
        print(state["greeting"], worker != os.getpid())
    print(*events)
    try:
        autocron.get_results()
    except autocron.NotStartedError:
        print("detached")


if __name__ == "__main__":
    asyncio.run(main())
"""


def run(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "AUTOCRON_"))}
    return subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True, timeout=60, check=False, env=environment
    )


def test_jobs_run_while_the_application_lives_and_the_wrapped_lifespan_is_inside(tmp_path: Path) -> None:
    script = tmp_path / "application.py"
    script.write_text(APPLICATION)
    ended = run(script, str(tmp_path / "jobs.db"))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == ["hello True", "up True down", "detached"]


@pytest.mark.parametrize("settings", ["workers=0", "wrokers=1"])
def test_g66_a_wrong_setting_fails_at_start_up_with_its_name(tmp_path: Path, settings: str) -> None:
    script = tmp_path / "application.py"
    script.write_text(APPLICATION.replace("workers=2", settings))
    ended = run(script, str(tmp_path / "jobs.db"))
    assert ended.returncode == 1
    assert settings.partition("=")[0] in ended.stderr.splitlines()[-1]
