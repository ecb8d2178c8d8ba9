"""Tasks that note when they begin and end. Each returns the name of the attempt that ran."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import struct
import subprocess
import time
from collections.abc import Iterator

from notebook import FOLDER, Notebook

import autocron

executions = Notebook("executions.txt")


@contextlib.contextmanager
def noted(token: str) -> Iterator[str]:
    """The attempt's name: process and moment. The kernel tells whether another attempt of the same job lives."""
    name = f"{os.getpid()}-{time.monotonic_ns()}"
    fd = os.open(FOLDER / "alive", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        executions.note("began" if _locked(fd, token) else "overlapped", token, name)
        try:
            yield name
        except BaseException:
            executions.note("failed", token, name)
            raise
        executions.note("ended", token, name)
    finally:
        os.close(fd)


def _locked(fd: int, token: str) -> bool:
    """Lock the token's byte until the file is closed, or the process dies."""
    byte = int.from_bytes(hashlib.blake2b(token.encode(), digest_size=7).digest(), "big")
    try:
        fcntl.fcntl(fd, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0))
    except BlockingIOError:
        return False
    return True


@autocron.delay
def quick(token: str) -> str:
    with noted(token) as name:
        return name


@autocron.delay
def work(token: str, seconds: float) -> str:
    with noted(token) as name:
        time.sleep(seconds)
        return name


@autocron.delay
async def wait(token: str, seconds: float) -> str:
    with noted(token) as name:
        await asyncio.sleep(seconds)
        return name


@autocron.delay
def parent(token: str) -> str:
    """Has a process of its own, which ends before it does."""
    with noted(token) as name:
        subprocess.run(["sleep", "0.1"], check=False)
        return name


@autocron.delay(retries=2, backoff=0.1)
def failing(token: str) -> str:
    with noted(token):
        raise RuntimeError("as it should")


@autocron.delay(timeout=0.5)
def endless(token: str) -> str:
    with noted(token):
        time.sleep(3600)
        raise AssertionError("nobody ended it")


@autocron.delay(at_most_once=True)
def once(token: str, seconds: float) -> str:
    with noted(token) as name:
        time.sleep(seconds)
        return name
