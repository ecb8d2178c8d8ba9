"""Real processes: an application, its supervisor and workers, ended and checked after every test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import Application, Running

if sys.platform == "win32":
    pytest.skip("processes are POSIX's here", allow_module_level=True)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    one = Running(tmp_path)
    try:
        yield one
    finally:
        one.end()


@pytest.fixture
def app(running: Running) -> Application:
    """The application with one worker."""
    return running.application()
