"""Which ini file an application is being made from."""

from __future__ import annotations

import inspect
import os
import sys
from typing import Any

Origin = dict[str, Any]
"""``ini`` (an absolute path), ``name`` of the application's section, ``options`` that were given beside the file."""


def ini_being_loaded() -> Origin | None:
    """The ini file that PasteDeploy makes an application of right now; None if it doesn't.

    ``pserve``, ``gunicorn --paste``, uWSGI's ``--ini-paste`` and ``pyramid.paster.get_app`` all come through its
    ``loadapp``, and what it was given is kept nowhere else.
    """
    loadapp = getattr(sys.modules.get("paste.deploy.loadwsgi"), "loadapp", None)
    running = getattr(loadapp, "__code__", None)
    frame = inspect.currentframe()
    while frame is not None and frame.f_code is not running:
        frame = frame.f_back
    if frame is None:
        return None
    uri: str = frame.f_locals["uri"]
    others: dict[str, Any] = frame.f_locals["kw"]
    scheme, _, rest = uri.partition(":")
    if scheme != "config":
        return None
    path, _, fragment = rest.partition("#")
    given = others.get("global_conf") or {}
    return {
        "ini": os.path.abspath(os.path.join(others.get("relative_to") or "", path)),
        "name": frame.f_locals["name"] or fragment or None,
        # Those of the file itself are found again; the script's name differs between a server and a tool.
        "options": {name: value for name, value in given.items() if name not in ("__file__", "here", "__script__")},
    }
