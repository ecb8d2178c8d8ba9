"""A WSGI application with two functions that are due every second."""

import os
import time

from flask_app import app

import autocron
import tasks

__all__ = ["app"]


@autocron.cron("* * * * * *", dialect="unix")
def cron_beat() -> None:
    _note("cron")


@autocron.periodic(seconds=1)
def periodic_beat() -> None:
    _note("periodic")


def _note(name: str) -> None:
    with (tasks.GROUND / f"{name}-beats").open("a") as file:
        file.write(f"{os.getpid()} {time.time():.3f}\n")
