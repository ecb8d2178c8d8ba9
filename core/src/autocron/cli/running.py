"""From arguments to an exit status: parse, find the database, do the command, explain what went wrong."""

from __future__ import annotations

import io
import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from autocron import locations
from autocron.cli.parser import DATABASELESS, FLAGS, make_parser
from autocron.cli.terminal import Terminal
from autocron.errors import AutocronError, ConfigurationError, ScheduleError, StoreError

if TYPE_CHECKING:
    from autocron.operations import Operations

FINE, NOT_FINE, USAGE = 0, 1, 2
_INTERRUPTED = 130


class Context:
    """What a command works with: its options, the output, the database (opened when it is first asked for)."""

    def __init__(self, options: Namespace) -> None:
        self.options = options
        self.terminal: Terminal = Terminal(sys.stdout, as_json=options.json)

    @cached_property
    def path(self) -> Path:
        """Where the database is, or would be. Raises StoreError for a name that leads nowhere."""
        try:
            return Path(locations.database_path(self.options.database))
        except ConfigurationError as error:
            raise StoreError(str(error)) from None

    @cached_property
    def operations(self) -> Operations:
        """On the database. It is never made or upgraded here: raises StoreError saying which file was looked for."""
        from autocron.operations import Operations

        return Operations(self.existing_path)

    @property
    def existing_path(self) -> Path:
        """Where the database is. Raises StoreError saying which file was looked for."""
        if not self.path.exists():
            here = Path(self.options.database).absolute()
            hint = f" (there is one in the current folder: {here})" if here.is_file() else ""
            raise StoreError(f"there is no database {self.path}{hint}; start() makes it, or give another name or path")
        return self.path

    def close(self) -> None:
        if "operations" in self.__dict__:
            self.operations.close()

    def unheard(self) -> str:
        """What to add after a change that no supervisor heard of."""
        return "" if self.operations.heard else " (no supervisor runs now: it holds from the next start on)"


def run(arguments: Sequence[str]) -> int:
    """Do what these arguments say; returns the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # whatever a terminal can't show, it is no reason to fail
    given = list(arguments)
    if given and given[0] in DATABASELESS:
        given.insert(0, "")
    try:
        options = make_parser().parse_args(given)
    except SystemExit as ended:  # --help, or wrong usage, which it has explained
        return ended.code if isinstance(ended.code, int) else USAGE
    context = Context(options)
    try:
        try:
            _refuse_what_is_no_text(given[1:])
            _refuse_flags_of_commands(options)
            status = options.command_function(context)
            sys.stdout.flush()
            return int(status)
        except AutocronError as error:
            if options.json:
                context.terminal.json({"error": str(error)})
            print(f"autocron: {error}", file=sys.stderr)
            return USAGE if isinstance(error, ConfigurationError) and not isinstance(error, ScheduleError) else NOT_FINE
        finally:
            context.close()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has gone; without this, Python complains again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOT_FINE


def _refuse_what_is_no_text(words: Sequence[str]) -> None:
    """Bytes that the terminal's encoding has no character for. A file's name may consist of such, nothing else."""
    for word in words:
        if not word.isascii() and any("\ud800" <= character <= "\udfff" for character in word):
            raise ConfigurationError(f"{os.fsencode(word)!r} is no text in the encoding {sys.getfilesystemencoding()}")


def _refuse_flags_of_commands(options: Namespace) -> None:
    """A flag beside a command would be overlooked."""
    if options.command is None:
        return
    given = [name for name in FLAGS if getattr(options, name) not in (None, False)]
    if given:
        flag = f"--{given[0].replace('_', '-')}"
        raise ConfigurationError(f"{flag} and the command {options.command!r} don't go together: give one, then the other")
