"""``supervise``: the supervisor in the foreground, with the application attached to it where ``--app`` names one.

The supervisor never imports the application. So ``--app`` starts a process that does: it registers the tasks and
schedules and stays attached, as a web process would be. Supervisor and application process end together.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

from autocron import clock, hosts, locations
from autocron.cli.internal import LOG_FORMAT
from autocron.cli.running import FINE, NOT_FINE, Context
from autocron.errors import ConfigurationError, InvalidStateError
from autocron.operations import make_database
from autocron.processes.service import take_service_socket, tell_service_manager
from autocron.processes.spawn import python_executable
from autocron.supervisor import Supervisor

logger: Final = logging.getLogger("autocron.supervisor")

_LOOK_AGAIN = 1.0  # seconds between two looks at a supervisor whose end is waited for


def supervise(context: Context) -> int:
    """Work until a TERM or INT signal. The exit status is 1 when the application's process ends before."""
    options = context.options
    if hosts.this_process() is hosts.Host.DISABLED:
        raise ConfigurationError("AUTOCRON_DISABLE is set in the environment, so nothing may run; unset it")
    _log(as_json=context.terminal.as_json)
    manager = take_service_socket()
    if options.app is not None:
        _check_import(options.app)
        path = Path(locations.database_path(options.database, make_folder=True))
    else:
        path = context.existing_path
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)  # until the supervisor has its own: process 1 would not hear of them
    supervisor = Supervisor(path, keep_alive=True)
    _take_the_lock(supervisor, wait=options.wait)
    settings = make_database(path)  # in a container the volume may be empty; an older one is nobody's now
    if settings.autocron_lock:
        raise InvalidStateError(f"autocron is switched off in {path}; `--set-autocron-lock off` switches it on")
    if options.app is None:
        tell_service_manager(manager, "READY=1")
        supervisor.run()
        return FINE
    application = _Application(path, options.app, supervisor)
    if not application.wait_until_attached():
        logger.error("the application %s could not be loaded; nothing is supervised", options.app)
        return NOT_FINE
    application.watch()
    tell_service_manager(manager, "READY=1")
    supervisor.run()
    return NOT_FINE if application.ended_first else FINE


def _end(number: int, _: object) -> None:
    sys.exit(128 + number)


def _take_the_lock(supervisor: Supervisor, *, wait: bool) -> None:
    told = False
    while not supervisor.locks.become_supervisor():
        pid = supervisor.locks.supervisor_pid()
        who = f"process {pid}" if pid else "a process in another container"
        if not wait:
            raise InvalidStateError(
                f"{who} supervises {supervisor.database} already: end the processes that started it, or say --wait"
            )
        if not told:
            logger.info("%s supervises %s; waiting for its end", who, supervisor.database)
            told = True
        time.sleep(_LOOK_AGAIN)


class _Application:
    """The attached process: started, waited for, watched."""

    def __init__(self, database: Path, app: str, supervisor: Supervisor) -> None:
        self.ended_first = False
        self._supervisor = supervisor
        self._ready, ready_writer = os.pipe()
        lifeline, self._lifeline = os.pipe()
        paths = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
        child = subprocess.Popen(
            # The import of `autocron` is this one's; the application's folder is put on the path by the module itself.
            [python_executable(), "-P", "-m", "autocron.cli.application", str(database), app, str(ready_writer), str(lifeline)],
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
            pass_fds=(ready_writer, lifeline),
            process_group=0,
        )
        child.returncode = 0  # the supervisor reaps all its children by their numbers
        os.close(ready_writer)
        os.close(lifeline)

    def wait_until_attached(self) -> bool:
        """False when it ended instead; it has said why."""
        return os.read(self._ready, 1) == b"1"

    def watch(self) -> None:
        """When it ends, have the supervisor end, too: whoever started us starts both again."""
        threading.Thread(target=self._wait_for_end, name="autocron-application", daemon=True).start()

    def _wait_for_end(self) -> None:
        os.read(self._ready, 1)
        if not self._supervisor.attention.stop_signals:
            self.ended_first = True
            logger.error("the application's process has ended, so the supervisor does")
            os.kill(os.getpid(), signal.SIGTERM)


def _check_import(app: str) -> None:
    module, _, attribute = app.partition(":")
    names = [*module.split("."), *attribute.removesuffix("()").split(".")] if attribute else module.split(".")
    if not all(name.isidentifier() for name in names):
        raise ConfigurationError(
            f'--app {app!r} must be "package.module", "package.module:attribute" or "package.module:create_app()"'
        )


def _log(*, as_json: bool) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines() if as_json else logging.Formatter(LOG_FORMAT))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = clock.to_datetime(round(record.created * clock.MICROSECONDS)).isoformat(timespec="microseconds")
        line = {"at": at, "level": record.levelname, "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
