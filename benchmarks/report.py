"""The figures as a table for a terminal or a page, as JSON, and as a picture."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from collections.abc import Mapping
from html import escape
from pathlib import Path

Table = Mapping[str, Mapping[str, float]]
"""Figures by contender."""

BEGIN, END = "<!-- measured -->", "<!-- /measured -->"
"""Around the table in a page."""

MEASURES = {
    "call": "a call, p50, us",
    "stored": "stored in the file, mean, us",
    "map": "map, us a job",
    "end to end, 1": "end to end, 1 worker, jobs/s",
    "end to end, 2": "end to end, 2 workers, jobs/s",
    "drain, 1": "drain of a backlog, 1 worker, jobs/s",
    "drain, 2": "drain of a backlog, 2 workers, jobs/s",
    "computing, 1": "5 ms of computing, 1 worker, jobs/s",
    "computing, 2": "5 ms of computing, 2 workers, jobs/s",
    "pick-up p50": "idle pick-up, p50, ms",
    "pick-up p99": "idle pick-up, p99, ms",
    "result p50": "call to result, p50, ms",
    "beside a long job": "short jobs beside a long one, longest, ms",
    "4 producers": "4 producers, 2 workers, calls/s",
    "longest stall": "  longest call, ms",
    "slowest of 4": "  slowest producer / quickest",
    "idle CPU": "idle, CPU s/min",
    "wake-ups": "idle, wake-ups/s",
    "pick-up after quiet": "pick-up after quiet, ms",
    "memory": "memory over the application, 2 workers, MB",
    "import": "import, ms",
    "start()": "start(), ms",
    "start() new": "start() that makes the database, ms",
    "first job": "first job after start(), ms",
    "supervisor": "supervisor, MB",
    "worker": "a worker over the application, MB",
    "loop blocked p99": "a call blocks an event loop, p99, ms",
    "call by raw": "in turns: a call, in raw inserts",
    "map by raw": "in turns: map, a job, in raw inserts",
    "end to end by raw": "in turns: end to end, 2 workers, by raw",
    "4 producers by raw": "in turns: 4 producers, calls/s, by raw",
    "full by raw": "in turns: calls/s, by raw full",
}


RATIOS = {
    "end to end, 1 worker, by raw": (("autocron", "end to end, 1"), ("raw", "end to end, 1")),
    "end to end, 2 workers, by huey tuned": (("autocron", "end to end, 2"), ("huey tuned", "end to end, 2")),
    "end to end, 2 workers, by Dramatiq": (("autocron", "end to end, 2"), ("dramatiq", "end to end, 2")),
    "end to end, 2 workers, by Celery": (("autocron", "end to end, 2"), ("celery", "end to end, 2")),
    "end to end, 2 workers, by RQ": (("autocron", "end to end, 2"), ("rq", "end to end, 2")),
    "drain, 1 worker, by raw": (("autocron", "drain, 1"), ("raw", "drain, 1")),
    "drain, 2 workers, by huey tuned": (("autocron", "drain, 2"), ("huey tuned", "drain, 2")),
    "computing, 2 workers by 1": (("autocron", "computing, 2"), ("autocron", "computing, 1")),
}
"""What says most: one figure by another."""


def ratios(table: Table) -> str:
    lines = []
    for words, ((name, measure), (other, by)) in RATIOS.items():
        value, base = table.get(name, {}).get(measure), table.get(other, {}).get(by)
        if value is not None and base:
            lines.append(f"{words:<42} {value / base:>9.2f}")
    return "\n".join(lines)


def shown(value: float | None) -> str:
    if value is None:
        return ""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def terminal(table: Table, width: int = 9) -> str:
    names = list(table)
    lines = [" " * 42 + "".join(f" {part:>{width}}" for part in row) for row in _heads(names, width)]
    for measure, words in _measures(table):
        lines.append(f"{words:<42}" + "".join(f" {shown(table[name].get(measure)):>{width}}" for name in names))
    return "\n".join(lines)


def markdown(table: Table) -> str:
    names = list(table)
    lines = ["| | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    for measure, words in _measures(table):
        lines.append(f"| {words.strip()} | " + " | ".join(shown(table[name].get(measure)) for name in names) + " |")
    return "\n".join(lines)


def machine() -> str:
    return (
        f"{os.cpu_count()} processors, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"{platform.system()} {platform.release()}, load at the end {os.getloadavg()[0]:.1f}"
    )


def write_json(file: Path, table: Table, notes: Mapping[str, str]) -> None:
    file.write_text(json.dumps({"machine": machine(), "not measured": dict(notes), "figures": table}, indent=2) + "\n")


def write_markdown(page: Path, table: Table, missing: Mapping[str, str]) -> None:
    """In the page, what is between the marks is replaced by the table."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    if not after:
        raise ValueError(f"{page} has no place for the table: write {BEGIN} and {END} around it")
    lines = [BEGIN, f"Measured on {machine()}.", "", markdown(table)]
    lines += ["", *(f"Not measured, or not in everything: {name}: {why}" for name, why in missing.items())] if missing else []
    page.write_text("\n".join([before + lines[0], *lines[1:], END + after]))


def write_picture(file: Path, table: Table) -> None:
    """Bars as SVG: a block for each measure, a bar for each contender, by the largest of the block."""
    wanted = ["call", "end to end, 2", "drain, 2", "pick-up p50", "4 producers", "idle CPU"]
    height, parts = 10, []
    for measure, words in _measures(table):
        values = {name: figures[measure] for name, figures in table.items() if measure in figures}
        if measure not in wanted or not values:
            continue
        height += 24
        parts.append(f'<text x="10" y="{height}" font-weight="bold">{escape(words)}</text>')
        for name, value in values.items():
            height += 18
            length = 480 * value / (max(values.values()) or 1)
            colour = "#2a7" if name.startswith("autocron") else "#999"
            parts.append(
                f'<text x="130" y="{height}" text-anchor="end">{escape(name)}</text>'
                f'<rect x="140" y="{height - 11}" width="{length:.1f}" height="13" fill="{colour}"/>'
                f'<text x="{146 + length:.1f}" y="{height}">{shown(value)}</text>'
            )
        height += 8
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="720" height="{height + 10}" font-family="sans-serif" font-size="12">'
    )
    file.write_text("\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>\n"]))


def _measures(table: Table) -> list[tuple[str, str]]:
    found = {measure for figures in table.values() for measure in figures}
    others = sorted(found - MEASURES.keys())
    return [(measure, words) for measure, words in MEASURES.items() if measure in found] + [(other, other) for other in others]


def _heads(names: list[str], width: int) -> list[list[str]]:
    """Names in as many lines as words, cut to the column."""
    words = [name.split() for name in names]
    depth = max(map(len, words))
    return [[(each[line] if line < len(each) else "")[:width] for each in words] for line in range(depth)]
