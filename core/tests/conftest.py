"""The running system without its processes."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from ticking import MIDNIGHT, System, TestClock

from autocron.store import SqliteStore

# Started in the background or with nohup, no command here would know Ctrl-C, or HUP.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tests copy it, for making one waits for the disk."""
    path = tmp_path_factory.mktemp("empty") / "jobs.db"
    store = SqliteStore(path, create=True)
    store.revision()
    store.close()
    return path


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> TestClock:
    """Ten seconds after some midnight, UTC."""
    return TestClock(monkeypatch, MIDNIGHT + 10_000_000)


@pytest.fixture
def system(empty_database: Path, tmp_path: Path, time: TestClock) -> Iterator[System]:
    path = Path(shutil.copy(empty_database, tmp_path))
    one = System(path, time)
    yield one
    one.store.close()
