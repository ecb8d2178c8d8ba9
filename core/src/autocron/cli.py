"""The command line: ``autocron DATABASE [COMMAND]``."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from autocron import locations
from autocron.errors import AutocronError


def main(arguments: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="autocron")
    parser.add_argument("database")
    commands = parser.add_subparsers(dest="command")
    supervise = commands.add_parser("supervise")
    supervise.add_argument("--attached", action="store_true")
    worker = commands.add_parser("worker")
    worker.add_argument("--number", type=int)
    worker.add_argument("--fds")
    options = parser.parse_args(given)
    try:
        database = locations.database_path(options.database)
        if options.command == "supervise":
            from autocron.supervisor import Supervisor

            logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s autocron: %(message)s")
            Supervisor(database, keep_alive=not options.attached).run()
        elif options.command == "worker":
            from autocron.worker import main as work

            work(database, [int(fd) for fd in options.fds.split(",")])
    except AutocronError as error:
        print(f"autocron: {error}", file=sys.stderr)
        return 1
    return 0
