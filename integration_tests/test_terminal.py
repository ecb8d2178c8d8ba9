"""What tasks print and log, and the keys that are pressed, in the server's terminal."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import sys

import pytest

from integration_tests.harness import Ground, Shop
from integration_tests.harness.shops import APPS

LINES = ("printed", "complained", "logged")


@pytest.mark.parametrize(
    "name", ["flask run", "flask run --debug", "gunicorn 4 workers", "gunicorn --preload", "uvicorn", "waitress"]
)
def test_g61_what_a_task_says_is_seen_at_once_and_once(ground: Ground, name: str) -> None:
    shop = Shop(ground, name, environment={"PYTHONUNBUFFERED": None})
    uuid = shop.hold("hello", "speak")
    ground.wait_until(lambda: all(f"{line} hello" in shop.said for line in LINES), "it is seen while the job runs")
    assert shop.job(uuid)["state"] == "running"
    shop.open_gate("hello")
    shop.result(uuid)
    shop.end()
    ground.wait_until_nobody_is_left()
    assert [shop.said.count(f"{line} hello") for line in LINES] == [1, 1, 1]


def test_g61_an_application_that_configures_logging_sees_each_record_once(ground: Ground) -> None:
    folder = ground.home / "configured"
    shutil.copytree(APPS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    text = (folder / "tasks.py").read_text()
    line = 'logger = logging.getLogger("shop")\n'
    assert line in text
    configuration = "logging.basicConfig(level=logging.INFO, format='CONFIGURED %(message)s')\n"
    (folder / "tasks.py").write_text(text.replace(line, f"{configuration}{line}"))
    shop = Shop(ground, "flask run", apps=folder)
    uuid = shop.hold("hello", "speak")
    shop.open_gate("hello")
    shop.result(uuid)
    ground.wait_until(lambda: "logged hello" in shop.said, "it is seen")
    shop.end()
    ground.wait_until_nobody_is_left()
    assert shop.said.count("CONFIGURED logged hello") == 1
    assert shop.said.count("logged hello") == 1


def test_g61_nothing_of_autocron_is_warned_about_in_development_mode(ground: Ground) -> None:
    shop = Shop(ground, "flask run", environment={"PYTHONDEVMODE": "1"})
    assert shop.result(shop.call("/call/version")) == '"first"'
    shop.deploy("second")
    shop.end(signal.SIGINT)
    again = Shop(ground, "flask run", environment={"PYTHONDEVMODE": "1"}, apps=None)  # the old worker is replaced
    assert again.result(again.call("/call/version")) == '"second"'
    again.end(signal.SIGINT)
    ground.wait_until_nobody_is_left()
    assert "ResourceWarning" not in shop.said + again.said
    assert "DeprecationWarning" not in shop.said + again.said


IN_A_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """A terminal of its own with a server in it."""

    def __init__(self, ground: Ground) -> None:
        ground.copy(APPS)
        self.ground = ground
        self.master, slave = pty.openpty()
        os.set_blocking(self.master, False)
        self.screen = ""
        command = [
            sys.executable,
            "-c",
            IN_A_TERMINAL,
            sys.executable,
            "-m",
            "flask",
            "--app",
            "flask_app",
            "run",
            "--port",
            "0",
        ]
        self.popen = ground.start(command, environment={"GROUND": str(ground.home)}, output=slave, stdin=slave)
        os.close(slave)

    def read(self) -> str:
        while self.master >= 0 and select.select([self.master], [], [], 0)[0]:
            try:
                self.screen += os.read(self.master, 65536).decode(errors="replace")
            except OSError:  # EIO: nobody has the other side open any more
                break
        return self.screen

    def press(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def close(self) -> None:
        if self.master >= 0:
            os.close(self.master)
            self.master = -1


@pytest.fixture
def terminal(ground: Ground):
    terminal = Terminal(ground)
    yield terminal
    terminal.close()


def test_g6_ctrl_c_in_the_terminal_ends_the_server_and_then_all(ground: Ground, terminal: Terminal) -> None:
    ground.wait_until(lambda: "Running on http" in terminal.read(), "the server runs")
    ground.wait_until(ground.workers, "a worker runs")
    terminal.press(b"\x03")
    assert ground.wait_until(lambda: terminal.popen.poll() is not None and terminal.read(), "the server ends")
    assert "Traceback" not in terminal.screen
    seconds = ground.wait_until_nobody_is_left()
    ground.measured("from Ctrl-C to the end of all", seconds)
    assert seconds < 8
    assert terminal.popen.returncode in (0, 1, -signal.SIGINT)


def test_g4_closing_the_terminal_leaves_no_process(ground: Ground, terminal: Terminal) -> None:
    ground.wait_until(lambda: "Running on http" in terminal.read(), "the server runs")
    ground.wait_until(ground.workers, "a worker runs")
    terminal.close()
    seconds = ground.wait_until_nobody_is_left()
    ground.measured("from the terminal's end to the end of all", seconds)
    assert seconds < 8
