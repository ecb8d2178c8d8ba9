"""Measure autocron beside raw SQLite and its peers, in turns: ``make bench``."""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

import measures
import report
from contender import Contender, Notes, UnavailableError
from measures import Figures
from servers import Postgres, Redis

CONTENDERS = {
    "raw": ("raw", "Raw"),
    "raw x100": ("raw", "RawBatches"),
    "raw full": ("raw", "RawFull"),
    "autocron": ("autocron", "Ours"),
    "autocron full": ("autocron", "OursFull"),
    "huey tuned": ("huey", "HueyTuned"),
    "huey": ("huey", "Huey"),
    "dramatiq": ("dramatiq", "Dramatiq"),
    "celery": ("celery", "Celery"),
    "rq": ("rq", "Rq"),
    "procrastinate": ("procrastinate", "Procrastinate"),
}
"""Module and class of each, in the order of the table."""

NEEDS = {"dramatiq": "BENCH_REDIS", "celery": "BENCH_REDIS", "rq": "BENCH_REDIS", "procrastinate": "BENCH_POSTGRES"}


class Server(Protocol):
    def end(self) -> None: ...


class Bench:
    """One run over all contenders. ``missing``: what couldn't be measured, and why."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.folder = folder
        self.options = options
        self.notes = Notes(Path(os.environ["BENCH_NOTES"]))
        self.rounds: dict[str, list[Figures]] = {name: [] for name in options.only or CONTENDERS}
        self.missing: dict[str, str] = {}

    def run(self) -> None:
        with ExitStack() as stack:
            self._start_servers(stack)
            for number in range(self.options.rounds):
                for name in self.rounds:
                    if name not in self.missing:
                        self._measure(name, number)

    def table(self) -> dict[str, Figures]:
        return {name: measures.medians(rounds) for name, rounds in self.rounds.items() if rounds}

    # -- one contender -------------------------------------------------------------------------------------

    def _measure(self, name: str, number: int) -> None:
        print(f"round {number + 1}: {name}", end="", file=sys.stderr, flush=True)
        figures: Figures = {}
        self.rounds[name].append(figures)
        try:
            self._measure_steps(name, number, figures)
        except Exception as error:  # the others can be measured all the same
            self.missing[name] = f"{type(error).__name__}: {error}"
            traceback.print_exc()
        print(file=sys.stderr)

    def _measure_steps(self, name: str, number: int, figures: Figures) -> None:
        quick = self.options.quick
        with self._contender(name, f"{number}-1") as one:
            figures |= measures.calls(one)
            if not quick:
                figures |= measures.drain(one, self.notes, 1)
                figures |= measures.end_to_end(one, self.notes, 1)
                figures |= measures.computing(one, self.notes, 1)
        with self._contender(name, f"{number}-2") as two:
            measures.fill(two)
            figures |= measures.drain(two, self.notes, 2)
            figures |= measures.end_to_end(two, self.notes, 2)
            figures |= measures.computing(two, self.notes, 2)
            figures |= measures.latencies(two, self.notes, 20 if quick else 50)
            figures |= measures.beside_long_jobs(two, self.notes)
            figures |= measures.memories(two)
            figures |= self._of_ours(two, number)
            figures |= measures.producers(two, self.notes)
            if number == 0:
                figures |= measures.idle(two, self.notes, 3 if quick else self.options.idle)
        if number == 0:
            figures |= measures.import_time(two.module)

    def _of_ours(self, contender: Contender, number: int) -> Figures:
        import ours
        import turns
        from contenders.autocron import Ours

        if not isinstance(contender, Ours):
            return {}
        figures = ours.start(contender.folder) | ours.roles(contender)
        figures |= ours.event_loop(contender, self.notes, 1000)
        figures |= turns.by_raw(contender, self.notes, 2)
        if contender.name == "autocron" and number == 0 and self.options.rows:
            figures |= ours.growth(contender.folder, self.options.rows)
        return figures

    @contextmanager
    def _contender(self, name: str, session: str) -> Iterator[Contender]:
        module, kind = CONTENDERS[name]
        folder = self.folder / f"{module}-{kind}-{session}"
        folder.mkdir()
        contender: Contender = getattr(importlib.import_module(f"contenders.{module}"), kind)(folder)
        contender.connect()
        try:
            contender.clear()
            yield contender
        finally:
            contender.stop()
            contender.end()
            print(".", end="", file=sys.stderr, flush=True)

    # -- servers -------------------------------------------------------------------------------------------

    def _start_servers(self, stack: ExitStack) -> None:
        wanted = {NEEDS[name] for name in self.rounds if name in NEEDS}
        for variable, kind in (("BENCH_REDIS", Redis), ("BENCH_POSTGRES", Postgres)):
            if variable not in wanted:
                continue
            folder = self.folder / kind.__name__
            folder.mkdir()
            try:
                server = kind(folder)
            except (UnavailableError, OSError, TimeoutError) as error:
                self.missing |= {
                    name: str(error) for name, needed in NEEDS.items() if needed == variable and name in self.rounds
                }
                continue
            stack.callback(server.end)
            os.environ[variable] = server.url


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="rounds over all contenders (default 2); figures are medians")
    parser.add_argument("--idle", type=float, default=10, help="seconds of idleness to measure (default 10)")
    parser.add_argument(
        "--rows", type=int, default=100_000, help="rows in the measurement of growth (default 100,000; 0: none)"
    )
    parser.add_argument("--only", action="append", choices=list(CONTENDERS), help="this contender; may be repeated")
    parser.add_argument("--quick", action="store_true", help="one round, two workers only, few samples")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the most important figures (SVG)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="put the table between the marks in this page")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.rows = 1, 0
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is ended
    folder = Path(tempfile.mkdtemp(prefix="autocron-bench-"))
    shared_memory = Path("/dev/shm")
    notes = shared_memory / folder.name if shared_memory.is_dir() else folder / "notes"
    os.environ |= {"BENCH_FOLDER": str(folder), "BENCH_NOTES": str(notes)}
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what is started has bytecode, as where applications run
    try:
        bench = Bench(folder, options)
        bench.run()
    finally:
        notes.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
    table = bench.table()
    print(report.machine())
    print(report.terminal(table))
    print(report.ratios(table))
    for name, why in bench.missing.items():
        print(f"not measured, or not in everything: {name}: {why}")
    if options.json:
        report.write_json(options.json, table, bench.missing)
    if options.picture:
        report.write_picture(options.picture, table)
    if options.markdown:
        report.write_markdown(options.markdown, table, bench.missing)


if __name__ == "__main__":
    main()
