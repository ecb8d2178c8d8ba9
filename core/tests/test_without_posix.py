"""Where there is no POSIX, autocron can be imported, tasks run in the caller, and start() says what is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import os, sys, types

class NotHere:
    def find_spec(self, name, path=None, target=None):
        if name in ("fcntl", "termios", "pwd", "grp", "resource"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for name in ("fcntl", "termios", "pwd", "grp", "resource"):
    sys.modules.pop(name, None)
sys.meta_path.insert(0, NotHere())

import autocron, autocron.app

@autocron.delay
def double(number: int) -> int:
    return 2 * number

autocron.app.os = types.SimpleNamespace(**{**vars(os), "name": "nt"})
try:
    autocron.start(sys.argv[1])
except autocron.ConfigurationError as error:
    print(error)
os.environ["AUTOCRON_DISABLE"] = "1"
assert autocron.start(sys.argv[1]) is False
print(double(21).result)
"""


def test_importing_and_inline_running_work_and_start_says_what_is_not_there(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "jobs.db")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    refusal, result = ended.stdout.splitlines()
    assert "worker processes need Linux or macOS" in refusal
    assert "AUTOCRON_DISABLE=1" in refusal
    assert result == "42"
