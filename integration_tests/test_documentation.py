"""What the documentation says, a reader can do: its Python is executed. test_documented_commands.py has its commands."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
from pathlib import Path

import pytest

import autocron
from autocron import errors
from integration_tests.harness import Ground, pages
from integration_tests.harness.pages import ROOT

ALL = list(pages.pages())
BLOCKS = [(page, list(pages.blocks(page))) for page in ALL]


def name_of(value: object) -> str:
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)


@pytest.mark.parametrize("page", [page for page, found in BLOCKS if any(b.language == "python" for b in found)], ids=name_of)
def test_the_python_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "reader"
    home.mkdir()
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "AUTOCRON_"))}
    ended = subprocess.run(
        [
            sys.executable,
            "-W",
            "error::DeprecationWarning:page",
            "-m",
            "integration_tests.harness.pages",
            str(page),
            str(folder),
        ],
        cwd=ROOT,
        env={**environment, "HOME": str(home), "AUTOCRON_DISABLE": "1", "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"


def test_the_reference_has_every_public_name() -> None:
    page = (ROOT / "docs" / "api.md").read_text()
    missing = [
        name
        for name in autocron.__all__
        if not (
            hasattr(autocron.Autocron, name) or hasattr(errors, name) or name in [status.name for status in autocron.Status]
        )
        and f"autocron.{name}" not in page
    ]
    assert set(missing) <= {"Result", "default"}  # another name of TaskResult; the instance behind the functions


def test_the_settings_that_a_page_shows_are_those_of_the_framework(ground: Ground) -> None:
    (block,) = [each for each in pages.blocks(ROOT / "plugins" / "pyramid_autocron" / "README.md") if each.language == "ini"]
    settings = configparser.ConfigParser(strict=True)
    settings.read_string(block.text)
    assert settings.sections() == ["app:main"]
    included = """
        import sys
        from pyramid.config import Configurator
        with Configurator(settings=dict(word.split("=", 1) for word in sys.argv[1:])) as config:
            config.include("pyramid_autocron")
    """
    given = [f"{name}={value}" for name, value in settings["app:main"].items()]
    options = ["-W", "ignore"]  # pyramid's own
    ground.python(included, *given, "autocron.app=", environment={"AUTOCRON_DISABLE": "1"}, options=options)
