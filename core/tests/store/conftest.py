"""A store of each kind, and an application in it; where a SQLite file may be made."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_kinds import KINDS, NOW, StoreKind, launch

from autocron.store.protocol import Store


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db"


@pytest.fixture(scope="session", params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> StoreKind:
    found: StoreKind = request.param
    return found


@pytest.fixture(scope="session")
def empty_store(kind: StoreKind, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an empty store: tests copy it, for making one waits for the disk."""
    folder = tmp_path_factory.mktemp(kind.name)
    made = kind.connect(folder)
    made.revision()
    made.close()
    return folder


@pytest.fixture
def store(kind: StoreKind, empty_store: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copytree(empty_store, tmp_path, dirs_exist_ok=True)
    opened = kind.connect(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def other_process(kind: StoreKind, store: Store, tmp_path: Path) -> Iterator[Store]:
    """A second connection to the same store, as another process has it."""
    opened = kind.connect(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def application(store: Store) -> int:
    return store.register(launch(), {"app.work": "app"}, [], NOW)
