"""What each process pays before it does anything: modules that are dear, and aren't needed, stay outside."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

NOWHERE = {"ast", "asyncio", "autocron.store.protocol", "dataclasses", "dis", "inspect", "multiprocessing", "pathlib", "uuid"}
"""No process of autocron's needs these before an application's code asks for something that does; the protocol is for types."""

NOT_IN_A_SERVER = NOWHERE | {
    "importlib.resources",
    "logging",
    "shutil",
    "tempfile",
    "tokenize",
    "traceback",
    "zipfile",
    "zoneinfo",
}

NOT_AT_IMPORT = NOT_IN_A_SERVER | {"json", "random", "selectors", "signal", "socket", "sqlite3", "subprocess"}

FOR_OTHER_VALUES = {f"autocron.codec.{name}" for name in ("pickled", "readers", "refusals", "writers")}
"""The codec of what JSON has no word for."""

OUR_WORK = {"autocron.attachment", "autocron.codec", "autocron.engines", "autocron.inline", "autocron.intake", "autocron.store"}
"""What runs jobs or keeps them."""

IMPORT = "import autocron"

DECORATE = """
import autocron

@autocron.delay(seconds=5, priority=3, unique=True)
def send(address: str, number: int = 1) -> int:
    return number

@autocron.delay
async def fetch(address: str) -> str:
    return address
"""

START = """
import os.path, autocron

name = autocron.delay(os.path.basename)
autocron.start(sys.argv[1], workers=2)
name("/a/b")
"""

SCHEDULE = """
import autocron

autocron.cron("30 9 * * mon", dialect="unix")(threading.active_count)
autocron.periodic(hours=1)(threading.active_count)
"""

SUPERVISOR = "import autocron.cli.internal, autocron.supervisor"

WORKER = "import autocron.cli.internal, autocron.worker"

# What these bring along is the standard library's own affair, and differs between versions of Python.
LOADED = """
import sys, contextvars, datetime, threading, typing, weakref
{first}
compiled = []
sys.addaudithook(lambda event, args: compiled.append(args[0]) if event == "compile" and args[1] == "<string>" else None)
before = set(sys.modules)
{script}
print(*sorted(set(sys.modules) - before))
print(*(text for text in compiled if "lambda _cls" not in str(text)))  # these make the named tuples
"""


def run(script: str, *arguments: str, first: str = "") -> tuple[set[str], str]:
    """The modules that a fresh interpreter loads for this, and the texts that it compiles."""
    ended = subprocess.run(
        [sys.executable, "-c", LOADED.format(script=script, first=first), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "AUTOCRON_SUPERVISOR": "external"},
    )
    modules, compiled = ended.stdout.splitlines()
    return set(modules.split()), compiled


@pytest.mark.parametrize("script", [IMPORT, DECORATE], ids=["importing", "decorating"])
def test_who_only_imports_and_decorates_loads_nothing_that_runs_jobs(script: str) -> None:
    modules, _ = run(script)
    assert "autocron.app" in modules
    assert modules & (NOT_AT_IMPORT | OUR_WORK | {"autocron.model"}) == set()


def test_who_starts_and_calls_loads_nothing_dear_that_it_does_not_need(tmp_path: Path) -> None:
    modules, _ = run(START, str(tmp_path / "jobs.db"))
    assert modules >= OUR_WORK - {"autocron.inline"}
    not_needed = NOT_IN_A_SERVER | FOR_OTHER_VALUES | {"autocron.model", "signal", "subprocess", "termios"}
    assert modules & not_needed == set()


def test_who_schedules_loads_nothing_dear_but_time_zones() -> None:
    modules, compiled = run(SCHEDULE, first='import zoneinfo; zoneinfo.ZoneInfo("UTC")')
    assert "autocron.schedules.cron_schedule" in modules
    assert modules & NOWHERE == set()
    assert compiled == ""


@pytest.mark.parametrize("script", [SUPERVISOR, WORKER], ids=["supervisor", "worker"])
def test_a_supervisor_and_a_worker_load_nothing_dear_that_they_do_not_need(script: str) -> None:
    modules, _ = run(script)
    assert "autocron.processes.locks" in modules
    assert modules & NOWHERE == set()


@pytest.mark.parametrize("script", [IMPORT, SUPERVISOR, WORKER], ids=["importing", "supervisor", "worker"])
def test_no_class_has_its_annotations_compiled(script: str) -> None:
    """``NamedTuple`` and ``TypedDict`` compile those that are texts, which takes longer than importing their module."""
    assert run(script)[1] == ""
