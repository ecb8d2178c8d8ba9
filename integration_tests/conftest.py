from __future__ import annotations

import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from integration_tests.harness import Ground
from integration_tests.lifecycle import verdicts

# Started in the background or with nohup, no server here would know INT, or HUP.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails for another reason than its patience tells what is known, too: before all is cleared away."""
    report = yield
    ground = getattr(item, "funcargs", {}).get("ground")
    if report.when == "call" and report.failed and ground is not None and "--- processes" not in report.longreprtext:
        report.sections.append(("evidence", ground.evidence()))
    return report


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--servers-table", type=Path, metavar="PAGE", help="write the table of the lifecycle suite into this page")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    properties = [
        (name, value, report.nodeid)
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "teardown"
        for name, value in report.user_properties
    ]
    figures = [each for each in properties if each[0] != verdicts.PROPERTY]
    if figures:
        terminalreporter.section("measured")
        for what, seconds, node in sorted(figures):
            terminalreporter.write_line(f"{seconds:8.3f} s  {what}  [{node.rpartition('::')[2]}]")
    if table := verdicts.lines(properties):
        terminalreporter.section("servers")
        for line in verdicts.as_text(table):
            terminalreporter.write_line(line)
        if page := config.getoption("--servers-table"):
            verdicts.write_into(page, table)
