"""The commands by which autocron starts its own processes; nobody else calls them."""

from __future__ import annotations

import logging
import sys

from autocron import locations
from autocron.errors import AutocronError

LOG_FORMAT = "%(asctime)s %(levelname)s autocron: %(message)s"


def run_internal(database: str, command: str, *options: str) -> int:
    """``DATABASE supervise --attached`` or ``DATABASE worker --number=N --fds=a,b,c``."""
    try:
        path = locations.database_path(database)
        if command == "worker":
            from autocron.worker import main as work

            work(path, [int(fd) for fd in _value_of("--fds", options).split(",")])
        else:
            from autocron.processes.spawn import leave_the_starter
            from autocron.supervisor import Supervisor

            leave_the_starter()
            logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
            Supervisor(path).run()
    except AutocronError as error:
        print(f"autocron: {error}", file=sys.stderr)
        return 1
    return 0


def _value_of(name: str, options: tuple[str, ...]) -> str:
    for option, following in zip(options, (*options[1:], ""), strict=True):
        if option == name:
            return following
        if option.startswith(f"{name}="):
            return option.removeprefix(f"{name}=")
    raise AutocronError(f"`worker` is started by the supervisor only; it got no {name}")
