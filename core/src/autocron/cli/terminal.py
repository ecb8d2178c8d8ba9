"""What is printed, and how: tables that fit the terminal, colours where they are wanted, plain text in a pipe."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, TextIO

from autocron.errors import ConfigurationError

_COLOURS = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
}
_LOOKS = {
    "done": "green",
    "error": "red",
    "running": "cyan",
    "held": "yellow",
    "broken": "red",
    "paused": "yellow",
    "cancelled": "dim",
    "ok": "green",
    "note": "cyan",
    "warning": "yellow",
    "problem": "red",
}
_NARROWEST = 10
_GAP = "  "


class Column:
    """``shrinks``: its texts may be cut to make the table fit: "left" keeps their ends, "right" their beginnings."""

    def __init__(self, title: str, *, shrinks: str = "", right: bool = False) -> None:
        self.title = title
        self.shrinks = shrinks
        self.right = right


class Terminal:
    """The output. ``width`` is None in a pipe, where nothing is cut."""

    def __init__(self, stream: TextIO, *, as_json: bool = False) -> None:
        self.stream: TextIO = stream
        self.as_json = as_json
        self.is_terminal: bool = stream.isatty()
        self.can_draw: bool = self.is_terminal and os.environ.get("TERM") != "dumb"
        self.colours: bool = self.can_draw and not os.environ.get("NO_COLOR")
        self.width = _width_of(stream) if self.is_terminal else None

    @property
    def height(self) -> int:
        """How many lines it shows now."""
        try:
            return os.get_terminal_size(self.stream.fileno()).lines or 24
        except (OSError, ValueError):
            return 24

    def captured(self, draw: Callable[[], None]) -> list[str]:
        """The lines that ``draw`` would print here now, in the width that it has now."""
        stream, self.stream, self.width = self.stream, io.StringIO(), _width_of(self.stream)
        try:
            draw()
            return self.stream.getvalue().splitlines()
        finally:
            self.stream = stream

    def line(self, text: str = "") -> None:
        """A line of text as it is; cut to the terminal's width nowhere."""
        self.stream.write(f"{text}\n")

    def json(self, value: Any, *, compact: bool = False) -> None:
        self.line(json.dumps(value, ensure_ascii=False, indent=None if compact else 2))

    def say(self, value: Any, *lines: str) -> None:
        """The value as JSON if that was asked for, else the lines."""
        if self.as_json:
            self.json(value)
        else:
            for line in lines:
                self.line(line)

    def paint(self, text: str, look: str) -> str:
        """In a colour, given by its name or as a word that has one ("done", "warning")."""
        code = _COLOURS.get(_LOOKS.get(look, look))
        return f"\x1b[{code}m{text}\x1b[0m" if self.colours and code else text

    def facts(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Names and values, one pair a line; a name that is "" continues the one before."""
        wide = max((len(name) for name, _ in pairs), default=0)
        for name, value in pairs:
            label = self.paint(name.ljust(wide), "bold")
            value = harmless(value, colours=self.colours)
            self.line(f"{label}{_GAP}{self._cut(value, wide + len(_GAP))}".rstrip())

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        """A header and a line for each row. A column without any text is left out."""
        kept = [index for index in range(len(columns)) if any(row[index] for row in rows)]
        columns, rows = [columns[i] for i in kept], [[harmless(row[i]) for i in kept] for row in rows]
        widths = [max([len(column.title), *(len(row[i]) for row in rows)]) for i, column in enumerate(columns)]
        if not self._shrink(columns, widths):
            *columns, last = columns  # a column that fits by itself says more than two that don't
            if last.shrinks and columns:
                return self.table(columns, [row[:-1] for row in rows])
            columns = [*columns, last]
        self.line(self.paint(self._row([c.title for c in columns], columns, widths), "bold"))
        for row in rows:
            self.line(self._row(row, columns, widths, painted=True))
        return None

    def _shrink(self, columns: Sequence[Column], widths: list[int]) -> bool:
        """Whether the widths fit now."""
        if self.width is None:
            return True
        for index in reversed(range(len(columns))):
            excess = sum(widths) + len(_GAP) * (len(widths) - 1) - self.width
            if excess > 0 and columns[index].shrinks:
                widths[index] = max(min(_NARROWEST, widths[index]), widths[index] - excess)
        return sum(widths) + len(_GAP) * (len(widths) - 1) <= self.width

    def _row(self, cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int], *, painted: bool = False) -> str:
        texts = []
        for cell, column, width in zip(cells, columns, widths, strict=True):
            if len(cell) > width:
                cell = "…" + cell[len(cell) - width + 1 :] if column.shrinks == "left" else cell[: width - 1] + "…"
            text = cell.rjust(width) if column.right else cell.ljust(width)
            texts.append(text.replace(cell, self.paint(cell, cell), 1) if painted and cell in _LOOKS else text)
        return _GAP.join(texts).rstrip()

    def _cut(self, text: str, indent: int) -> str:
        if self.width is None or "\x1b" in text or indent + len(text) <= self.width:
            return text
        return text[: max(self.width - indent - 1, _NARROWEST)] + "…"


def confirm(question: str, *, yes: bool, stop: str) -> bool:
    """Ask before something that can't be undone. Raises ConfigurationError where nobody can be asked."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise ConfigurationError(f"{stop}; nobody can be asked here, so say --yes if that is meant")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def harmless(text: str, *, colours: bool = False) -> str:
    """Without control characters: what an application wrote must not drive the operator's terminal."""
    kept = r"(?!\x1b\[\d*m)" if colours else ""
    return re.sub(kept + r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", lambda found: f"\\x{ord(found[0]):02x}", text)


def one_line(text: str) -> str:
    return harmless(" ".join(text.split()))


def _width_of(stream: TextIO) -> int:
    try:
        return max(os.get_terminal_size(stream.fileno()).columns, 40)
    except (OSError, ValueError):
        return 80
