"""How much memory another process holds."""

from __future__ import annotations

import os
import subprocess
import sys


def resident_megabytes(pid: int) -> float:
    """What a process holds in memory, shared pages included; 0 if that can't be told."""
    try:
        if sys.platform.startswith("linux"):
            with open(f"/proc/{pid}/statm", encoding="ascii") as told:
                return int(told.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6
        listed = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
        return int(listed.stdout) * 1024 / 1e6
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return 0.0
