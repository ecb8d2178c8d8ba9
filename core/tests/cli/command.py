"""The real command in a process of its own, in a pipe or a terminal; a store with known jobs; waiting that tells why."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autocron import cli, clock, codec
from autocron.clock import MICROSECONDS
from autocron.model import Launch, NewJob, ScheduledTask
from autocron.store import SqliteStore

PATIENCE = 60.0
COMMAND = [sys.executable, "-P", "-m", "autocron"]


@dataclass
class Ended:
    """How the command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment(**changes: str) -> dict[str, str]:
    """Without what would make the processes think that they are tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "NO_COLOR", "AUTOCRON_"))}
    return {**kept, "TERM": "xterm", "TZ": "UTC", **changes}


def run(*arguments: object, typed: str | None = None, folder: Path | None = None, **changes: str) -> Ended:
    """The command in a pipe; ``typed`` is its standard input."""
    ended = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=typed if typed is not None else "",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=environment(**changes),
        cwd=folder,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def fine(*arguments: object, **options: Any) -> Ended:
    """``run``, and it must have ended well."""
    ended = run(*arguments, **options)
    assert ended.status == 0, f"exit status {ended.status}\n{ended.out}\n{ended.err}"
    return ended


def run_here(*arguments: object, **options: Any) -> Ended:
    """What ``run`` gives, from this process: a tenth of the time. With any option, in a process of its own after all."""
    if options:
        return run(*arguments, **options)
    out, err, stdin = io.StringIO(), io.StringIO(), sys.stdin
    sys.stdin = io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = cli.main([*map(str, arguments)])
    finally:
        sys.stdin = stdin
    return Ended(status, out.getvalue(), err.getvalue())


def fine_here(*arguments: object, **options: Any) -> Ended:
    """``run_here``, and it must have ended well."""
    ended = run_here(*arguments, **options)
    assert ended.status == 0, f"exit status {ended.status}\n{ended.out}\n{ended.err}"
    return ended


def run_in_terminal(
    *arguments: object,
    typed: str = "",
    columns: int = 100,
    rows: int = 24,
    interrupt_after: str = "",
    typed_after: tuple[str, str] = ("", ""),
    **changes: str,
) -> tuple[int, str]:
    """The exit status, and everything that appears on a terminal of this size.

    Ctrl-C, or what ``typed_after`` says, is typed when a text has appeared.
    """
    import fcntl
    import struct
    import termios

    mine, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    child = subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdin=its, stdout=its, stderr=its, env=environment(**changes), start_new_session=True
    )
    os.close(its)
    os.write(mine, typed.encode())
    seen = b""
    deadline = time.monotonic() + PATIENCE
    try:
        while True:
            ready, _, _ = select.select([mine], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise AssertionError(f"the command didn't end in {PATIENCE} s; it showed:\n{seen.decode()}")
            try:
                more = os.read(mine, 65536)
            except OSError:  # EIO: the other end is closed
                break
            if not more:
                break
            seen += more
            if interrupt_after and interrupt_after.encode() in seen:
                interrupt_after = ""
                child.send_signal(signal.SIGINT)
            if typed_after[0] and typed_after[0].encode() in seen:
                os.write(mine, typed_after[1].encode())
                typed_after = ("", "")
        return child.wait(PATIENCE), seen.decode().replace("\r\n", "\n")
    finally:
        child.kill()
        child.wait()
        os.close(mine)


def wait_until(what: str, look: Callable[[], Any], describe: Callable[[], object] = lambda: "") -> Any:
    """What ``look`` returns once that is true; otherwise an error that says what was waited for."""
    deadline = time.monotonic() + PATIENCE
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {PATIENCE} s for {what}; last seen: {seen!r}\n{describe()}")
        time.sleep(0.05)
    return seen


class Filled:
    """A database with jobs in every state, made without any process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = SqliteStore(path, create=True)
        self.now = clock.now()
        launch = Launch(sys.executable, "/", ())
        self.application = self.store.register(launch, {"shop.mail": "shop", "shop.report": "shop"}, [], self.now)

    def add(self, task: str = "shop.mail", *args: Any, at: int | None = None, **options: Any) -> str:
        arguments = codec.encode_call(args, {})
        (uuid,) = self.store.add([NewJob(task, arguments, self.application, run_at=at, **options)], self.now)
        return uuid

    def run_one(self) -> Any:
        (work,) = self.store.claim(self.application, 1, "host:1:0", self.now)
        return work.claim

    def done(self, result: Any = None, **options: Any) -> str:
        uuid = self.add(**options)
        self.store.finish(self.run_one(), codec.encode_value(result), 77, self.now + 10**10, self.now + 2 * MICROSECONDS)
        return uuid

    def failed(self, error: str = "ValueError: no such account", traceback: str = "Traceback …\n", **options: Any) -> str:
        uuid = self.add(**options)
        self.store.fail(self.run_one(), error, traceback, 77, self.now + 10**10, self.now + MICROSECONDS)
        return uuid

    def held(self) -> str:
        uuid = self.add("shop.unknown")
        self.store.hold(self.run_one(), "the running code has no task shop.unknown", self.now)
        return uuid

    def running(self) -> str:
        uuid = self.add("shop.mail", "ann@example.com")
        self.run_one()
        return uuid

    def schedule(self, name: str = "shop.report", **changes: Any) -> None:
        values: dict[str, Any] = {
            "name": name,
            "task": name,
            "spec": '{"kind":"interval"}',
            "words": "Every hour",
            "application": 0,
            "arguments": "[[],{}]",
            "next_run_at": self.now + 3600 * MICROSECONDS,
        }
        scheduled = ScheduledTask(**(values | changes))
        self.store.register(Launch(sys.executable, "/", ()), {}, [scheduled], self.now)


def uuids_in(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [row["uuid"] for row in rows]
