"""``pautocron development.ini …``: autocron's command line for the database that an ini file names."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from configparser import Error as ConfigError

from pyramid.paster import get_appsettings

import autocron

USAGE = """\
usage: pautocron development.ini[#app] [COMMAND …]

The command line of autocron for the database that the ini file names (autocron.database in [app:main]).
`pautocron development.ini --help` lists the commands.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status. ``arguments`` are those of the process unless given."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help"):
        print(USAGE, end="", file=sys.stdout if given else sys.stderr)
        return 0 if given else 2
    config_uri, *rest = given
    sys.path.append(os.getcwd())  # the file may name a module in this folder
    try:
        database = get_appsettings(config_uri).get("autocron.database")
    except (ConfigError, ImportError, LookupError, OSError, ValueError) as error:
        return _refused(f"{config_uri} can't be read: {error}")
    if not database:
        return _refused(f"{config_uri} has no autocron.database; a section other than [app:main] is named {config_uri}#name")
    return autocron.command_line([database, *rest])


def _refused(words: str) -> int:
    sys.stderr.write(f"pautocron: {words}\n")
    return 2
