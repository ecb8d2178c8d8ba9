"""Nobody imports this but the adapter."""

import os

import autocron


@autocron.periodic(seconds=3600, start_now=True)
def strike() -> int:
    return os.getpid()
