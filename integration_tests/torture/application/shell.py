"""A process without a server that calls all the time: ``shell.py CALLS_A_SECOND``."""

from __future__ import annotations

import random
import sys
import time

from calls import Caller, start
from notebook import FOLDER

import autocron


def main(calls_a_second: float) -> None:
    start()
    caller = Caller()
    while True:
        time.sleep(random.expovariate(calls_a_second))
        if (FOLDER / "pause").exists():
            continue
        try:
            caller.call()
        except autocron.AutocronError as error:
            print(f"refused: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main(float(sys.argv[1]))
