"""The tasks of every application here, and one function that answers requests, whatever the framework."""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import autocron

VERSION = "first"
GROUND = Path(os.environ.get("GROUND", os.environ.get("HOME", "/")))
DATABASE = os.environ.get("DATABASE", "shop.db")

logger = logging.getLogger("shop")


@autocron.delay
def version() -> str:
    return VERSION


@autocron.delay
def add(first: int, second: int) -> int:
    return first + second


@autocron.delay
def hold(name: str) -> str:
    """Run until somebody makes the file ``name``-gate."""
    _note(name)
    return VERSION


@autocron.delay
def hold_with_child(name: str) -> str:
    """The same, with a process of its own that nobody ends."""
    child = subprocess.Popen(["sleep", "1000"])
    (GROUND / f"{name}-child").write_text(str(child.pid))
    _note(name)
    return VERSION


@autocron.delay
def speak(text: str) -> None:
    """Say it in three ways, then run until the gate opens."""
    print(f"printed {text}")
    print(f"complained {text}", file=sys.stderr)
    logger.warning("logged %s", text)
    _note(text)


@autocron.delay
def status_of_a_child() -> int:
    """What ``false`` ends with, as this process sees it."""
    return subprocess.run(["false"], check=False).returncode


@autocron.delay
def deaf_to() -> list[str]:
    """The signals that this process ignores, apart from those that Python itself does."""
    ignored = [s for s in signal.Signals if signal.getsignal(s) == signal.SIG_IGN]
    return [s.name for s in ignored if s not in (signal.SIGPIPE, signal.SIGXFSZ)]


@autocron.delay
def where() -> dict[str, str]:
    return {"cwd": os.getcwd(), "executable": sys.executable}


def _note(name: str) -> None:
    with (GROUND / f"{name}-began").open("a") as file:
        file.write(f"{os.getpid()}\n")
    while not (GROUND / f"{name}-gate").exists():
        time.sleep(0.01)


def answer(path: str) -> str:
    """``/code``: version and process id. ``/call/TASK/ARGUMENT…``: the uuid of the job made."""
    what, *rest = path.strip("/").split("/")
    if what == "call":
        task, *arguments = rest
        return globals()[task](*arguments).uuid
    return f"{VERSION} {os.getpid()}"
