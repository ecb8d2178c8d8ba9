"""The short form of ``make torture``: it fails where a guarantee is broken, never because the machine is slow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.timeout(900)
def test_g21_no_accepted_job_is_lost_stuck_or_counted_twice_while_everything_is_killed() -> None:
    # The first forty decisions of this seed hold every act.
    command = [sys.executable, "-m", "integration_tests.torture", "--minutes=0.7", "--rate=4", "--calls=25", "--seed=15207"]
    root = Path(__file__).parents[1]
    ended = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert ended.returncode == 0, ended.stdout
