"""Settings of the schedule tests: the long form, and helpers that the tests import."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

# The helpers are modules beside the tests; this finds them in every import mode of pytest.
sys.path.insert(0, str(HERE))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: the long form of a test; run by AUTOCRON_LONG=1 or -m long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("AUTOCRON_LONG") == "1" or config.option.markexpr == "long":
        return
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="long form: set AUTOCRON_LONG=1"))
