"""Bottle and autocron without an adapter. Start it with ``python application.py``."""

import os

from bottle import route, run
from utils import weigh_sources

import autocron


@route("/hello")
def hello() -> str:
    handle = weigh_sources()
    return f"A worker weighs the sources. Ask for the result with {handle.uuid}\n"


autocron.start("the_bottle_app.db")  # before run(), which doesn't return
run(host="localhost", port=int(os.environ.get("PORT", "8080")))
