"""``make demo`` and ``make run``: the story is told and true, and nothing is left of it, however it ends."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from integration_tests.harness import Ground
from integration_tests.harness.ground import PATIENCE

EXAMPLES = Path(__file__).parents[1] / "examples"


def start(ground: Ground, *arguments: str, examples: Path = EXAMPLES) -> tuple[subprocess.Popen[bytes], Path]:
    """The demo, with a folder of its own for what is temporary; and the file of what it says."""
    (ground.home / "tmp").mkdir()
    output = ground.home / "told.txt"
    command = [sys.executable, "-m", "examples.demo", *arguments]
    environment = {"TMPDIR": str(ground.home / "tmp")}
    return ground.start(command, environment=environment, output=output, cwd=examples.parent), output


def nothing_is_left(ground: Ground) -> bool:
    return not ground.processes() and not list((ground.home / "tmp").iterdir())


def test_the_demo_tells_a_true_story_and_leaves_nothing(ground: Ground) -> None:
    began = time.monotonic()
    demo, output = start(ground)
    status = demo.wait(2 * PATIENCE)
    ground.measured("the demo", time.monotonic() - began)
    told = output.read_text()
    assert status == 0, told
    assert nothing_is_left(ground), ground.evidence()

    def pids(pattern: str) -> list[str]:
        found = re.search(pattern, told)
        assert found, f"{pattern!r} isn't in\n{told}"
        return list(found.groups())

    gunicorn, *web = pids(r"gunicorn +process (\d+), with web processes (\d+) and (\d+)")
    supervisor, *workers = pids(r"supervisor (\d+), with workers (\d+) and (\d+)")
    assert len({gunicorn, supervisor, *web, *workers}) == 6
    assert pids(r"POST /imports: 303 after \d+ ms, by web process (\d+)")[0] in web
    assert pids(r"process (\d+) imported 5,000 rows within \d+ ms")[0] in workers
    assert "holds 5,000 products of import 1" in told
    assert "PriceListError: line 3: 'cheap' is no price" in told
    assert re.search(r"attempt 1 +HTTPError: HTTP Error 503: Service Unavailable", told)
    assert pids(r"attempt [2-9] +done at [\d:.]+, by worker (\d+)")[0] in workers
    assert re.search(r"job +waiting until [\d:.]+; the file's download: 200", told)
    assert pids(r"process (\d+) began \d+ ms after the moment; the file's download: 410")[0] in workers
    assert pids(r"process (\d+) began \d+ ms later and removed import 1\n")[0] in workers
    assert re.search(r"gunicorn +got TERM and ended with status 0", told)
    assert re.search(r"left +0 processes", told)


def test_the_demo_without_a_truth_fails_with_evidence_and_leaves_nothing(ground: Ground) -> None:
    examples = ground.home / "examples"
    shutil.copytree(EXAMPLES, examples, ignore=shutil.ignore_patterns("__pycache__", "instance"))
    tasks = examples / "flask_app" / "tasks.py"
    text = tasks.read_text()
    assert text.count("replace_products(import_id, products)") == 1
    tasks.write_text(text.replace("replace_products(import_id, products)", "replace_products(import_id, products[1:])"))
    demo, output = start(ground, examples=examples)
    status = demo.wait(2 * PATIENCE)
    told = output.read_text()
    assert status == 1, told
    assert "holds 4,999 products" in told
    assert "this should be true, and isn't: all 5000 rows are there" in told
    assert "Starting gunicorn" in told  # the server's output
    assert "supervise --attached" in told  # the processes
    assert nothing_is_left(ground), ground.evidence()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_an_interrupted_demo_leaves_nothing(ground: Ground, number: signal.Signals) -> None:
    demo, output = start(ground)
    ground.wait_until(lambda: "\n4  " in output.read_text() or demo.poll() is not None, "the fourth step has begun")
    demo.send_signal(number)
    assert demo.wait(PATIENCE) == 130
    assert nothing_is_left(ground), ground.evidence()


def test_make_run_keeps_the_application_open_until_ctrl_c(ground: Ground) -> None:
    demo, output = start(ground, "--keep")
    address = ground.wait_until(lambda: re.search(r"(http://\S+) +Ctrl-C ends it", output.read_text()), "its address")[1]
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=PATIENCE) as response:
        assert "Price lists" in response.read().decode()
    ground.wait_for_one_supervisor()
    demo.send_signal(signal.SIGINT)
    assert demo.wait(PATIENCE) == 0, output.read_text()
    assert "No process is left." in output.read_text()
    assert nothing_is_left(ground), ground.evidence()
