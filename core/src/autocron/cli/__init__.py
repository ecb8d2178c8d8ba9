"""The command line: ``autocron DATABASE [COMMAND]``. ``docs/command-line.md`` is its description.

A face only: what it prints and changes goes through ``autocron.operations``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments (default: the process's) say. The exit status: 0 fine, 1 not fine, 2 wrong usage."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    # How autocron starts its own processes: these must not pay for the rest of the command line.
    if given[1:2] == ["worker"] or given[1:] == ["supervise", "--attached"]:
        from autocron.cli.internal import run_internal

        return run_internal(*given)
    from autocron.cli.running import run

    return run(given)
