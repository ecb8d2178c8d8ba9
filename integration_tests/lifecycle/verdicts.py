"""What was found out about each cell, and the table of it: at the end of a run, and in docs/servers.md."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from integration_tests.lifecycle.cells import CELLS, Cell

PROPERTY = "lifecycle"
"""Under this name a test's report carries what it found."""

CHECKS = ["job", "reload", "recycling", "slots", "TERM", "KILL", "KILL of all"]

_BEGIN, _END = "<!-- the table begins -->\n", "<!-- the table ends -->\n"


class Verdicts:
    """Collects what one test finds out about one cell."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.found: dict[str, str] = {}

    @contextlib.contextmanager
    def check(self, name: str) -> Iterator[None]:
        """Its verdict is the seconds that it took, unless something else is ``noted``, or it fails."""
        assert name in CHECKS
        began = time.monotonic()
        self.found[name] = "failed"
        yield
        if self.found[name] == "failed":
            self.found[name] = f"{time.monotonic() - began:.1f} s"

    def note(self, name: str, verdict: str) -> None:
        self.found[name] = verdict

    def as_property(self) -> tuple[str, str]:
        return PROPERTY, json.dumps([self.cell.name, self.found])


def lines(properties: Iterable[tuple[str, object, str]]) -> list[list[str]]:
    """The table's lines, in the order of the cells, the head first. Empty if no test of a cell ran."""
    found: dict[str, dict[str, str]] = {}
    for name, value, _ in properties:
        if name == PROPERTY:
            cell, verdicts = json.loads(str(value))
            found.setdefault(cell, {}).update(verdicts)
    if not found:
        return []
    body = []
    for cell in CELLS:
        if cell.name in found:
            body.append([cell.framework.name, cell.server, *(found[cell.name].get(check, "-") for check in CHECKS)])
        elif not cell.path.exists():
            body.append([cell.framework.name, cell.server, "not built here", *[""] * (len(CHECKS) - 1)])
    return [["framework", "server", *CHECKS], *body]


def as_text(table: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in table]


def write_into(page: Path, table: list[list[str]]) -> None:
    """Put the table between its two marks in a page."""
    head, *body = ["| " + " | ".join(line) + " |\n" for line in table]
    before, rest = page.read_text().split(_BEGIN)
    _, after = rest.split(_END)
    rule = "|" + "---|" * len(table[0]) + "\n"
    page.write_text("".join([before, _BEGIN, head, rule, *body, _END, after]))
