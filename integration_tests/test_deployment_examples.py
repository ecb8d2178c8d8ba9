"""The files in ``examples/deployment`` say to the command line what it understands."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from autocron.cli.parser import make_parser
from autocron.model import Settings

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "deployment"
UNIT, COMPOSE = (FOLDER / name for name in ("shop-jobs.service", "compose.yaml"))


def commands() -> dict[str, list[str]]:
    (of_the_unit,) = re.findall(r"^ExecStart=(.*)$", UNIT.read_text(), re.MULTILINE)
    (of_the_container,) = re.findall(r"command: (autocron .*)$", COMPOSE.read_text(), re.MULTILINE)
    (health,) = re.findall(r"test: (\[.*\])$", COMPOSE.read_text(), re.MULTILINE)
    return {"unit": shlex.split(of_the_unit), "container": shlex.split(of_the_container), "health": json.loads(health)[1:]}


@pytest.mark.parametrize("name", ["unit", "container", "health"])
def test_the_command_line_understands_it(name: str) -> None:
    program, *arguments = commands()[name]
    assert Path(program).name == "autocron"
    options = make_parser().parse_args(arguments)
    if name == "health":
        assert (options.command, options.check) == ("status", True)
    else:
        assert (options.command, options.app, options.wait) == ("supervise", "shop.web", True)


@pytest.mark.parametrize(("file", "word"), [(UNIT, "TimeoutStopSec="), (COMPOSE, "stop_grace_period: ")])
def test_it_waits_longer_than_the_grace_of_running_jobs(file: Path, word: str) -> None:
    (seconds,) = re.findall(rf"{word}(\d+)", file.read_text())
    assert int(seconds) > Settings().shutdown_grace


@pytest.mark.parametrize("file", [UNIT, COMPOSE])
def test_the_documentation_shows_the_very_file(file: Path) -> None:
    page = FOLDER.parents[1] / "docs" / "deployment.md"
    assert file.read_text().rstrip() in page.read_text()
