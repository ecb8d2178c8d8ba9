"""What runs in workers: a report that takes its time, and a sign of life."""

import os
import time

import autocron


@autocron.delay
def build_report(title: str, seconds: float = 0.0) -> dict[str, object]:
    """Build a report, which takes so many seconds."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 0.1))
    print(f"worker {os.getpid()} has built the report {title!r}")
    return {"title": title, "pid": os.getpid()}


@autocron.cron("*/5 * * * * *", dialect="unix")  # every five seconds
def heartbeat() -> None:
    print(f"worker {os.getpid()} is alive")
