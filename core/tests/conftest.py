"""The running system without its processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ticking import MIDNIGHT, System, TestClock


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> TestClock:
    """Ten seconds after some midnight, UTC."""
    return TestClock(monkeypatch, MIDNIGHT + 10_000_000)


@pytest.fixture
def system(tmp_path: Path, time: TestClock) -> Iterator[System]:
    one = System(tmp_path / "jobs.db", time)
    yield one
    one.store.close()
