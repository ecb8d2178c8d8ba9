"""What runs in the background. django_autocron finds the module ``tasks`` of every installed application."""

import os
import time

import autocron


@autocron.delay
def build_report(title: str, seconds: float = 0.0) -> dict[str, object]:
    """A report that takes its time."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 0.05))
    print(f"process {os.getpid()} built the report {title!r}")
    return {"title": title, "pid": os.getpid()}


@autocron.cron("*/5 * * * * *", dialect="unix")
def heartbeat() -> None:
    """Every five seconds, one line."""
    print(f"process {os.getpid()} is alive")
