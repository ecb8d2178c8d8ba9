"""One of several processes that call at once: ``producer.py MODULE CLASS FOLDER CALLS``."""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path


def main(module: str, name: str, folder: str, calls: str) -> None:
    """Prints when it began and ended, and how long its longest call took, in seconds."""
    contender = getattr(importlib.import_module(module), name)(Path(folder))
    contender.connect()
    print("ready", flush=True)
    sys.stdin.readline()
    longest = 0.0
    began = time.monotonic()
    for _ in range(int(calls)):
        before = time.monotonic()
        contender.call()
        longest = max(longest, time.monotonic() - before)
    print(began, time.monotonic(), longest)


if __name__ == "__main__":
    main(*sys.argv[1:])
