"""What runs in workers. In a module of its own, because the main module starts the server when it is imported."""

import os
import shutil
from pathlib import Path

import autocron


@autocron.delay
def weigh_sources() -> int:
    """Add up the sizes of this example's files."""
    total = sum(file.stat().st_size for file in Path(__file__).parent.glob("*.py"))
    print(f"process {os.getpid()} weighed the sources: {total} bytes")
    return total


@autocron.cron("* * * * *")
def note_free_space() -> None:
    """Every minute: how much room the disk has left."""
    print(f"{shutil.disk_usage('/').free >> 20} MiB are free")
