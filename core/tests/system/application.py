"""The application of the system tests: tasks, and a main part that does what a test writes to its standard input.

Tests copy it into a folder of their own and run it as ``python application.py``.
"""

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path

import autocron
from autocron.current import current_job, notes_of

together = threading.Barrier(4)


@autocron.delay
def add(a: int, b: int = 0) -> int:
    return a + b


@autocron.delay
def worker_pid() -> int:
    return os.getpid()


@autocron.delay
def fail_until(file: str, attempts: int) -> int:
    with open(file, "a") as opened:
        opened.write(f"{time.time()}\n")
    begun = len(Path(file).read_text().splitlines())
    if begun < attempts:
        raise ValueError(f"attempt {begun} fails")
    return begun


@autocron.delay
def repeat(text: str, times: int) -> str:
    return text * times


@autocron.delay
def repeat_and_raise(text: str, times: int) -> None:
    raise ValueError(text * times)


@autocron.delay
def sleep(seconds: float) -> str:
    time.sleep(seconds)
    return "slept"


@autocron.delay
def endless_expression() -> bool:
    return re.match("(a+)+$", "a" * 40 + "b") is None


@autocron.delay
def endless_loop() -> None:
    while True:
        pass


@autocron.delay
def note_and_sleep(file: str, seconds: float) -> str:
    with open(file, "a") as opened:
        opened.write(f"{os.getpid()}\n")
    time.sleep(seconds)
    return "slept"


@autocron.delay
def sleep_and_note(file: str, seconds: float) -> None:
    time.sleep(seconds)
    note(file)


@autocron.delay
def leave_a_thread() -> int:
    threading.Thread(target=time.sleep, args=(3600,)).start()
    return os.getpid()


hoarded: list[bytes] = []


@autocron.delay
def hoard(megabytes: int) -> int:
    hoarded.append(os.urandom(1_000_000) * megabytes)
    return os.getpid()


@autocron.delay
def with_a_child(file: str) -> None:
    child = subprocess.Popen(["sleep", "3600"])
    Path(file).write_text(f"{child.pid}\n")
    child.wait()


@autocron.delay
def kill_the_worker(file: str) -> None:
    with open(file, "a") as opened:
        opened.write("begun\n")
    os.kill(os.getpid(), signal.SIGKILL)


@autocron.delay
def leave_with(status: int) -> None:
    os._exit(status)


@autocron.delay
def call_sys_exit() -> None:
    sys.exit("enough")


@autocron.delay
async def wait_a_little(value: str) -> str:
    await asyncio.sleep(0.01)
    return value * 2


@autocron.delay
async def nap(seconds: float, file: str = "") -> int:
    if file:
        note(file)
    await asyncio.sleep(seconds)
    return os.getpid()


@autocron.delay
async def block_the_loop(file: str) -> None:
    note(file)
    while True:
        pass


@autocron.delay
async def swallow_cancellation(file: str) -> None:
    note(file)
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)


@autocron.delay
def note_and_wait_for_more(file: str, lines: int) -> None:
    note(file)
    while has_lines(file) <= lines:
        time.sleep(0.01)


@autocron.delay
async def note_and_await_more(file: str, lines: int) -> None:
    note(file)
    while has_lines(file) <= lines:
        await asyncio.sleep(0.01)


def has_lines(file: str) -> int:
    return len(Path(file).read_text().splitlines())


def note(file: str) -> None:
    with open(file, "a") as opened:
        opened.write(f"{os.getpid()}\n")


@autocron.delay
def meet_the_others() -> str:
    together.wait(20)
    return threading.current_thread().name


@autocron.delay
def call_another(number: int) -> str:
    return add(number, 1).uuid


@autocron.delay
def tell_of_itself(file: str) -> str:
    here = current_job()
    assert here is not None
    for done in range(1, 4):
        here.progress(done, 3)
        notes_of(here).add_lines(f"line {done}\n")
    while not os.path.exists(file):
        time.sleep(0.005)
    notes_of(here).add_lines("last line\n")
    return f"{here.uuid} {here.task} {here.attempt}"


@autocron.delay
def say(text: str) -> None:
    print(text)
    print(text.upper(), file=sys.stderr)


if __name__ == "__main__":
    replies = os.fdopen(int(sys.argv[1]), "w")
    names = globals()
    for line in sys.stdin:
        try:
            code = json.loads(line)
            try:
                reply = {"value": eval(code, names)}
            except SyntaxError:
                exec(code, names)
                reply = {"value": None}
        except BaseException as error:
            traceback.print_exc()
            reply = {"error": f"{type(error).__name__}: {error}"}
        replies.write(json.dumps(reply, default=str) + "\n")
        replies.flush()
