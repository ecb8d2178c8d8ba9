"""Every framework under every server: what is on the command line, and what the server does when it is told something."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

_RECYCLING = "--max-requests 12 --max-requests-jitter 8"  # without jitter all end at once, and none serves for a while
EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True, slots=True)
class Framework:
    """An example. ``tasks`` is the file with its tasks. All of them keep their jobs in ``reports.db``."""

    name: str
    tasks: str = "tasks.py"
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return EXAMPLES / f"{self.name}_app"


@dataclass(frozen=True, slots=True)
class Cell:
    """One framework under one server."""

    framework: Framework
    server: str
    command: str
    """What follows ``program``."""
    environment: Mapping[str, str] = field(default_factory=dict)
    reload: str = ""
    """What makes it replace the processes that serve: "touch" of a file, "HUP" to the top process, or nothing."""
    imports_once: bool = False
    """The processes that serve are forked from one that has imported the application: HUP brings no new code."""
    recycles: bool = False
    """It replaces a process that serves after some requests."""
    orphans: bool = False
    """Its children outlive the killed top process for long: whoever kills it has to kill them, too."""
    term_for_all: bool = False
    """TERM ends the top process only: whoever ends it has to send it to all, as systemd does."""

    program: str = "python"
    """What is beside this interpreter, or isn't: uWSGI has to be built."""

    @property
    def name(self) -> str:
        return f"{self.framework.name}: {self.server}"

    @property
    def path(self) -> Path:
        return Path(sys.executable).with_name(self.program)

    @property
    def reloads_code(self) -> bool:
        """Else new code takes a restart."""
        return bool(self.reload) and not self.imports_once


FLASK = Framework("flask", environment={"SHOP_AUTOCRON_DATABASE": "reports.db"})
STARLETTE = Framework("starlette")
PYRAMID = Framework("pyramid")
BOTTLE = Framework("bottle")
TORNADO = Framework("tornado")
DJANGO = Framework("django", tasks="reports/tasks.py")


def gunicorn(framework: Framework, what: str, application: str, more: str = "", *, orphans: bool = True) -> Cell:
    """Two workers that are replaced after some requests."""
    command = f"-m gunicorn {application} --bind 127.0.0.1:{{port}} --workers 2 {_RECYCLING} {more}"
    return Cell(framework, f"gunicorn {what}".strip(), command, reload="HUP", recycles=True, orphans=orphans)


def with_preload(cell: Cell) -> Cell:
    return replace(cell, server=f"{cell.server} --preload", command=f"{cell.command} --preload", imports_once=True)


_SYNC = gunicorn(FLASK, "sync", "app:create_app()")
_GTHREAD = gunicorn(FLASK, "gthread", "app:create_app()", "--threads 4", orphans=False)
_GEVENT = gunicorn(FLASK, "gevent", "app:create_app()", "--worker-class gevent")
_GUNICORN_RELOAD = "-m gunicorn app:create_app() --bind 127.0.0.1:{port} --workers 2 --reload"
_UVICORN = "-m uvicorn application:app --port {port}"
_HYPERCORN = "-m hypercorn application:app --bind 127.0.0.1:{port}"
_PSERVE = "-m pyramid.scripts.pserve development.ini http_port={port}"
_UWSGI = (
    "--http-socket 127.0.0.1:{port} --master --die-on-term --enable-threads --need-app --lazy-apps --processes 2 --max-requests 20"
    f" --virtualenv {sys.prefix} --module app:create_app()"
)
_DJANGO_UVICORN = "-m uvicorn mysite.asgi:application --port {port} --workers 2"

CELLS = [
    Cell(FLASK, "flask run", "-m flask run --port {port}"),
    Cell(FLASK, "flask run --debug", "-m flask run --port {port} --debug", reload="touch", orphans=True),
    Cell(FLASK, "python app.py (debug)", "app.py", reload="touch", orphans=True),
    *(_SYNC, with_preload(_SYNC), _GTHREAD, with_preload(_GTHREAD), _GEVENT, with_preload(_GEVENT)),
    Cell(FLASK, "gunicorn --reload", _GUNICORN_RELOAD, reload="touch", orphans=True),
    Cell(FLASK, "waitress", "-m waitress --listen 127.0.0.1:{port} --call app:create_app"),
    Cell(FLASK, "uwsgi", _UWSGI.replace("--lazy-apps ", ""), reload="HUP", recycles=True, orphans=True, program="uwsgi"),
    Cell(FLASK, "uwsgi --lazy-apps", _UWSGI, reload="HUP", recycles=True, orphans=True, program="uwsgi"),
    Cell(STARLETTE, "uvicorn", _UVICORN),
    Cell(STARLETTE, "uvicorn --workers 2", f"{_UVICORN} --workers 2", reload="HUP", orphans=True),
    Cell(STARLETTE, "uvicorn --reload", f"{_UVICORN} --reload", reload="touch", orphans=True),
    Cell(STARLETTE, "hypercorn", _HYPERCORN, orphans=True),
    Cell(STARLETTE, "hypercorn --workers 2", f"{_HYPERCORN} --workers 2", orphans=True),
    gunicorn(STARLETTE, "uvicorn_worker", "application:app", "--worker-class uvicorn_worker.UvicornWorker"),
    gunicorn(STARLETTE, "asgi", "application:app", "--worker-class asgi", orphans=False),
    Cell(PYRAMID, "pserve", _PSERVE),
    Cell(PYRAMID, "pserve --reload", f"{_PSERVE} --reload", reload="touch"),
    Cell(BOTTLE, "python application.py", "application.py"),
    Cell(BOTTLE, "reloader", "application.py", {"RELOAD": "1"}, reload="touch", orphans=True, term_for_all=True),
    Cell(TORNADO, "python application.py", "application.py"),
    Cell(TORNADO, "fork_processes", "application.py", {"PROCESSES": "2"}, orphans=True, term_for_all=True),
    Cell(TORNADO, "autoreload", "application.py", {"RELOAD": "1"}, reload="touch"),
    Cell(DJANGO, "runserver", "manage.py runserver {port}", reload="touch", orphans=True),
    gunicorn(DJANGO, "", "mysite.wsgi"),
    Cell(DJANGO, "uvicorn --workers 2", _DJANGO_UVICORN, reload="HUP", orphans=True),
]

RUNNABLE = [cell for cell in CELLS if cell.path.exists()]
