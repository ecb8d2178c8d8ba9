"""A process that is killed before or after any statement of any transition: the next start repairs everything."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from faults import TRANSITIONS

PROGRAM = Path(__file__).with_name("faults.py")
NAMES = list(TRANSITIONS)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("names", [NAMES[part::6] for part in range(6)], ids=", ".join)
def test_g21_a_kill_at_any_statement_leaves_a_transition_done_or_undone_and_every_job_ends(
    names: list[str], tmp_path: Path
) -> None:
    command = [sys.executable, str(PROGRAM), str(tmp_path), *names]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert (ended.returncode, ended.stderr) == (0, ""), f"{ended.stdout}{ended.stderr}"
    moments = json.loads(ended.stdout)
    assert moments.keys() == set(names)
    assert all(number >= 2 for number in moments.values()), f"some were never killed: {moments}"
