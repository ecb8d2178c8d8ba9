"""One of several processes that call at once, so often or so long: ``producer.py MODULE CLASS FOLDER CALLS SECONDS``."""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path


def main(module: str, name: str, folder: str, most: str, seconds: str) -> None:
    """Prints how many calls it made, when it began and ended, and how long its longest call took, in seconds."""
    contender = getattr(importlib.import_module(module), name)(Path(folder))
    contender.connect()
    print("ready", flush=True)
    sys.stdin.readline()
    calls, longest = 0, 0.0
    began = ended = time.monotonic()
    while calls < int(most) and ended < began + float(seconds):
        before = ended
        contender.call()
        calls, ended = calls + 1, time.monotonic()
        longest = max(longest, ended - before)
    print(calls, began, ended, longest)


if __name__ == "__main__":
    main(*sys.argv[1:])
