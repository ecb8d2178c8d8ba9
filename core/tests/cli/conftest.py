"""A database filled by the test, and a system that really runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import Filled
from served import Served

if sys.platform == "win32":
    pytest.skip("processes are POSIX's here", allow_module_level=True)


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Filled]:
    """An empty database with an application that knows two tasks."""
    one = Filled(tmp_path / "jobs.db")
    yield one
    one.store.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A folder with an application, ready for ``supervise``."""
    one = Served(tmp_path)
    yield one
    one.end()
