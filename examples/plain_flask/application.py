"""Flask and autocron without an adapter. Start it with ``flask --app application run``."""

import os
import shutil
from pathlib import Path

from flask import Flask

import autocron

app = Flask(__name__)
autocron.start("the_flask_app.db")


@autocron.delay
def weigh_sources() -> int:
    """Add up the sizes of this example's files, in a worker."""
    total = sum(file.stat().st_size for file in Path(__file__).parent.glob("*.py"))
    print(f"process {os.getpid()} weighed the sources: {total} bytes")
    return total


@autocron.cron("* * * * *")
def note_free_space() -> None:
    """Every minute: how much room the disk has left."""
    print(f"{shutil.disk_usage('/').free >> 20} MiB are free")


@app.route("/")
def order() -> str:
    handle = weigh_sources()
    return f"A worker weighs the sources. Ask for the result with {handle.uuid}\n"
