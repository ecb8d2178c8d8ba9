"""The application that the documentation's pages are about, where they show its commands only."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import autocron

GATE = Path(__file__).parent / "gate"
"""Once it is there, long work ends."""


@autocron.delay
def send_mail(address: str) -> str:
    raise ConnectionRefusedError(f"no server takes mail for {address}")


@autocron.delay
def build_index() -> None:
    print("indexing", flush=True)
    while not GATE.exists():
        time.sleep(0.1)


@autocron.delay(queue="mail")
def send_newsletter(number: int) -> int:
    return number


@autocron.cron("30 9 * * mon-fri", dialect="unix")
def report() -> None: ...


def app(_: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
    """Every request is answered with the uuid of a new job."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [send_newsletter(1).uuid.encode()]


autocron.start(os.environ.get("SHOP_JOBS", "project.db"), workers=1)
