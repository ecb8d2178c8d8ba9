from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from integration_tests.harness import Ground


@pytest.fixture
def ground(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Ground]:
    """Where a test starts its processes. At its end there is none of them left, however the test ended."""
    ground = Ground(tmp_path)
    try:
        yield ground
    finally:
        ground.clear()
        for figure in ground.figures:
            request.node.user_properties.append(figure)
    assert not ground.processes()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    figures = [
        (what, seconds, report.nodeid)
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "teardown"
        for what, seconds in report.user_properties
    ]
    if figures:
        terminalreporter.section("measured")
        for what, seconds, node in sorted(figures):
            terminalreporter.write_line(f"{seconds:8.3f} s  {what}  [{node.rpartition('::')[2]}]")
