"""What autocron adds to pytest: the fixtures ``autocron`` and ``autocron_workers``, and the marker ``autocron``.

It is loaded in every pytest run where autocron is installed, so it imports what it needs when a test asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from autocron.testing import Collected, RealWorkers

_MARKER = (
    "autocron(workers=True, **settings): run this test's jobs in real worker processes on a database of its own; "
    "workers=True is one process, a number so many, the rest are settings of autocron.start"
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARKER)


def pytest_itemcollected(item: pytest.Item) -> None:
    """A marked test needs the workers although it doesn't name the fixture."""
    if isinstance(item, pytest.Function) and "autocron_workers" not in item.fixturenames:
        marker = item.get_closest_marker("autocron")
        if marker is not None and marker.kwargs.get("workers"):
            item.fixturenames.insert(0, "autocron_workers")


@pytest.fixture
def autocron(request: pytest.FixtureRequest) -> Iterator[Collected]:
    """The jobs that the test's code makes: they wait until the test runs them, by a clock that the test moves."""
    from autocron.testing import collected

    if "autocron_workers" in request.fixturenames:
        raise pytest.UsageError(
            "the fixture `autocron` keeps the jobs for the test to run, `autocron_workers` and "
            "@pytest.mark.autocron(workers=True) have workers run them: use one of them"
        )

    with collected() as jobs:
        yield jobs


@pytest.fixture
def autocron_workers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RealWorkers]:
    """Real worker processes on a database in ``tmp_path``, ended and checked after the test."""
    from autocron.testing import workers

    marker = request.node.get_closest_marker("autocron")
    settings = dict(marker.kwargs) if marker is not None else {}
    number = settings.pop("workers", True)
    with workers(tmp_path, workers=1 if number is True else number, **settings) as running:
        yield running
