"""Each test has an application of its own: instances that other tests made don't fire here."""

from __future__ import annotations

import weakref
from collections.abc import Iterator

import pytest
from noon import NOON

from autocron import Autocron, app, testing
from autocron.testing import Collected


@pytest.fixture
def instance(monkeypatch: pytest.MonkeyPatch) -> Autocron:
    monkeypatch.setattr(app, "_instances", weakref.WeakSet())
    return Autocron()


@pytest.fixture
def jobs(instance: Autocron) -> Iterator[Collected]:
    with testing.collected(now=NOON) as collected:
        yield collected
