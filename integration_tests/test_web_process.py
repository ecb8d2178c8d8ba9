"""The web process: autocron is a guest in it, and its end is none of the jobs' business."""

from __future__ import annotations

import signal
import sys
import time

import pytest

from integration_tests.harness import Ground, Server

PLAIN_SERVER = """
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

if sys.argv[1:] == ["with"]:
    import autocron
    autocron.start("shop.db")

if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Page).serve_forever()
"""

FLASK = """
import sys, os
from flask import Flask
app = Flask(__name__)
if os.environ["VARIANT"] == "with":
    import autocron
    autocron.start("shop.db")

@app.route("/")
def page(): return "hello"
"""

STARLETTE = """
import os
from contextlib import asynccontextmanager
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

@asynccontextmanager
async def lifespan(app):
    if os.environ["VARIANT"] == "with":
        import autocron
        autocron.start("shop.db")
    yield

async def page(request): return PlainTextResponse("hello")
app = Starlette(routes=[Route("/", page)], lifespan=lifespan)
"""

SERVERS = {
    "http.server": "plain_server.py {variant}",
    "flask run": "-m flask --app flask_server run --port {port}",
    "gunicorn": "-m gunicorn flask_server:app --bind 127.0.0.1:{port} --workers 2",
    "uvicorn": "-m uvicorn starlette_server:app --port {port}",
}


@pytest.mark.parametrize("name", SERVERS)
def test_g6_a_server_ends_on_int_with_the_same_status_as_without_autocron(ground: Ground, name: str) -> None:
    """For TERM see ``lifecycle``."""
    ground.write("plain_server.py", PLAIN_SERVER)
    ground.write("flask_server.py", FLASK)
    ground.write("starlette_server.py", STARLETTE)
    ends = {}
    for variant in ("without", "with"):
        server = Server(
            ground,
            lambda port, variant=variant: [
                sys.executable,
                *SERVERS[name].format(port=port, variant=variant).split(),
            ],
            environment={"VARIANT": variant},
        )
        assert server.get() == "hello"
        assert bool(ground.supervisors()) == (variant == "with")
        began = time.monotonic()
        ends[variant] = server.end(signal.SIGINT)
        ground.measured(f"{name} {variant} autocron ends on INT", time.monotonic() - began)
    assert ends["with"] == ends["without"]


def test_g6_signal_handlers_and_the_wake_up_descriptor_stay_as_they_were(ground: Ground) -> None:
    ground.write("tasks.py", "import autocron\n\n@autocron.delay\ndef double(number): return 2 * number\n")
    said = ground.python(
        """
        import atexit, signal, sys, threading

        def handlers():
            mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
            return {number: signal.getsignal(number) for number in signal.valid_signals()}, mask, sys.excepthook

        def mine(number, frame): pass

        if __name__ == "__main__":
            signal.signal(signal.SIGTERM, mine)
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)
            signal.signal(signal.SIGCHLD, mine)
            before = handlers()
            import autocron, tasks
            assert handlers() == before
            assert autocron.start("shop.db")
            assert tasks.double(21).wait(60) == 42
            assert handlers() == before
            assert signal.set_wakeup_fd(-1) == -1
            autocron.stop()
            assert handlers() == before
            print("UNTOUCHED")
        """
    )
    assert "UNTOUCHED" in said


def test_g6_children_of_the_web_process_are_its_own_to_wait_for(ground: Ground) -> None:
    ground.write("tasks.py", "import autocron\n\n@autocron.delay\ndef double(number): return 2 * number\n")
    said = ground.python(
        """
        import os, signal, subprocess, sys

        if __name__ == "__main__":
            before = subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"])
            import autocron, tasks
            autocron.start("shop.db")
            after = subprocess.Popen([sys.executable, "-c", "raise SystemExit(8)"])
            for child in (before, after):  # ended, and not waited for yet, while calls are made
                os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
            assert tasks.double(21).wait(60) == 42
            autocron.start("shop.db")
            assert (before.wait(), after.wait()) == (7, 8)
            print("MINE")
        """
    )
    assert "MINE" in said


def test_g6_import_and_start_work_in_a_thread(ground: Ground) -> None:
    ground.write("tasks.py", "import autocron\n\n@autocron.delay\ndef double(number): return 2 * number\n")
    said = ground.python(
        """
        import threading

        def all_of_it():
            import autocron, tasks
            assert autocron.start("shop.db")
            print("RESULT", tasks.double(21).wait(60))

        if __name__ == "__main__":
            thread = threading.Thread(target=all_of_it)
            thread.start()
            thread.join()
            import tasks
            print("AFTERWARDS", tasks.double(2).wait(60))  # the end of that thread has ended nothing
        """
    )
    assert "RESULT 42" in said
    assert "AFTERWARDS 4" in said


def test_g11_an_import_opens_no_file_starts_no_thread_and_spawns_nothing(ground: Ground) -> None:
    ground.write(
        "tasks.py",
        "import autocron\n\n@autocron.delay\ndef later(): pass\n\n@autocron.cron('* * * * *')\ndef often(): pass\n",
    )
    said = ground.python(
        """
        import os, sys, threading

        def traces():
            children = open(f"/proc/self/task/{os.getpid()}/children").read().split()
            return set(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task")), threading.active_count(), children

        if __name__ == "__main__":
            before, files = traces(), set(os.listdir(os.environ["HOME"]))
            import autocron
            assert traces() == before, (before, traces())
            import tasks
            assert traces() == before, (before, traces())
            assert set(os.listdir(os.environ["HOME"])) == files
            print("NOTHING")
        """
    )
    assert "NOTHING" in said
    assert not ground.processes()
    assert not (ground.home / ".autocron").exists()
