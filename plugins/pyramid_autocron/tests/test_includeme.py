"""``config.include`` in a real process: under pytest itself nothing would be spawned."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

APPLICATION = """
import os
import sys

import autocron
from pyramid.config import Configurator


@autocron.delay
def whoami() -> int:
    return os.getpid()


if __name__ == "__main__":
    with Configurator(settings=dict(setting.split("=") for setting in sys.argv[1:])) as config:
        config.include("pyramid_autocron")
        app = config.make_wsgi_app()
    print(whoami().wait(30) != os.getpid())
"""


def run(folder: Path, *settings: str) -> subprocess.CompletedProcess[str]:
    script = folder / "application.py"
    script.write_text(APPLICATION)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "AUTOCRON_"))}
    return subprocess.run(
        [sys.executable, "-W", "ignore", str(script), *settings],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment,
    )


def test_including_it_starts_autocron_with_the_settings(tmp_path: Path) -> None:
    ended = run(tmp_path, f"autocron.database={tmp_path / 'jobs.db'}", "autocron.workers=2")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == ["True"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ([], "needs the setting autocron.database"),
        (["autocron.database=/tmp/x.db", "autocron.wrokers=1"], "there is no setting autocron.wrokers"),
        (["autocron.database=/tmp/x.db", "autocron.workers=many"], "autocron.workers = many must be int"),
    ],
)
def test_g66_a_wrong_setting_fails_at_start_up_with_its_name(tmp_path: Path, settings: list[str], message: str) -> None:
    ended = run(tmp_path, *settings)
    assert ended.returncode == 1
    assert message in ended.stderr
