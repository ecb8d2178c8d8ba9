"""Call → file → supervisor → worker → result, with real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

APPLICATION = """
import os
import sys

import autocron


@autocron.delay
def whoami(text: str) -> tuple[str, int]:
    return text, os.getpid()


if __name__ == "__main__":
    autocron.start(sys.argv[1])
    text, pid = whoami("hello").wait(30)
    print(text, pid, os.getpid())
"""


def test_a_call_runs_in_a_worker_process_and_its_result_comes_back(tmp_path: Path) -> None:
    script = tmp_path / "application.py"
    script.write_text(APPLICATION)
    ended = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "jobs.db")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
    )
    assert ended.returncode == 0, ended.stderr
    text, worker, caller = ended.stdout.split()[-3:]
    assert text == "hello"
    assert worker != caller
