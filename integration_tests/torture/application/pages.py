"""A web application: every request is a call."""

from __future__ import annotations

import os

from calls import Caller, start
from flask import Flask

import autocron

app = Flask(__name__)
start()
callers: dict[int, Caller] = {}


@app.post("/call")
def call() -> tuple[str, int]:
    caller = callers.get(os.getpid())
    if caller is None:  # this process was forked from the one that imported this module
        caller = callers[os.getpid()] = Caller()
    try:
        caller.call()
    except autocron.AutocronError as error:
        return f"{type(error).__name__}: {error}", 503
    return "accepted", 202
