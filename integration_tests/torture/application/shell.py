"""A process without a server that calls all the time: ``shell.py CALLS_A_SECOND``."""

from __future__ import annotations

import os
import random
import sys
import time

from calls import DATABASE, Caller
from notebook import FOLDER

import autocron


def main(calls_a_second: float) -> None:
    autocron.start(DATABASE, workers=int(os.environ["TORTURE_WORKERS"]), result_ttl=7 * 86_400)
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
