"""``make torture``: kill everything again and again, and see that no accepted job is lost."""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

from integration_tests.harness import Ground, UnfulfilledError, jobs
from integration_tests.torture.decisions import decisions
from integration_tests.torture.disk import SmallDisk
from integration_tests.torture.ledger import Verdict, judge, outcome_of
from integration_tests.torture.load import Load
from integration_tests.torture.troubles import Troubles

DATABASE = "torture.db"
PATIENCE = 90.0
"""Seconds without any progress after which a job counts as stuck, or a process as left."""

BACKLOG = 300
"""Jobs waiting at which no more calls are made until there are fewer."""

LONGEST_RECOVERY = 20.0
"""Seconds after which the next blow falls although no job has begun since the last."""

_LOOK_EVERY = 0.5


class Torture:
    """One run: load, troubles, quiet, verdict."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.options = options
        self.ground = Ground(folder)
        self.database = self.ground.database(DATABASE)
        self.disk = SmallDisk(self.database.parent, megabytes=64 + round(8 * options.minutes))
        self.load = Load(
            self.ground,
            seed=options.seed,
            workers=options.workers,
            threads=options.threads,
            calls_a_second=options.calls,
        )
        self.troubles = Troubles(self.load, DATABASE, self.disk)
        self._seen_final: dict[int, tuple[object, ...]] = {}
        self._looked_at = 0.0
        self._seen_until = 0
        self._noted = 0
        self._gives_up_at = 0.0

    def run(self) -> Verdict:
        began = time.monotonic()
        try:
            self._wait_for_the_first_job()
            self._make_trouble(time.monotonic() + 60 * self.options.minutes)
            quiet_seconds = self._wait_until_all_have_ended()
            self.load.end()
            left = self._wait_until_nobody_is_left()
        finally:
            self.load.stop_requests()
            self.troubles.relieve()
            self.ground.clear()
        verdict = judge(self.load.notes, self.database, self.troubles.blows, self._seen_final)
        verdict.violations["processes left"].extend(left)
        self.disk.save(self.ground.home.parent / "database")
        blows = "\n".join(str(blow) for blow in self.troubles.blows)
        (self.ground.home.parent / "blows.txt").write_text(blows)
        self._report(verdict, time.monotonic() - began, quiet_seconds)
        return verdict

    # -- step by step --------------------------------------------------------------------------------------

    def _wait_for_the_first_job(self) -> None:
        def one_has_ended() -> bool:
            self.load.keep_up()
            return bool(jobs.rows(self.database, "select 1 from jobs where state = 'done' limit 1"))

        self.ground.wait_until(one_has_ended, "the first job has ended", timeout=PATIENCE)

    def _make_trouble(self, until: float) -> None:
        coming = decisions(self.options.seed, self.options.rate)
        decision = next(coming)
        due = time.monotonic() + decision.pause
        while (now := time.monotonic()) < until:
            self.load.keep_up()
            self.troubles.end_what_is_over()
            self._look()
            if due <= now and (not decision.recovered or self._recovered(now)):
                self.troubles.do(decision)
                self._noted, self._gives_up_at = self.load.noted(), now + LONGEST_RECOVERY
                decision = next(coming)
                due = now + decision.pause
            time.sleep(0.01)

    def _recovered(self, now: float) -> bool:
        return self.load.noted() > self._noted or now > self._gives_up_at

    def _look(self) -> None:
        """Hold calls back while too much waits; remember what has ended."""
        if time.monotonic() - self._looked_at < _LOOK_EVERY:
            return
        self._looked_at = time.monotonic()
        self.load.pause(self._unfinished() > BACKLOG)
        ended = jobs.rows(self.database, "select * from jobs where finished_at > ?", self._seen_until - 2_000_000)
        for row in ended:
            self._seen_final.setdefault(row["id"], outcome_of(row))
            self._seen_until = max(self._seen_until, row["finished_at"])

    def _unfinished(self) -> int:
        found = jobs.rows(self.database, "select count(*) as number from jobs where state in ('waiting', 'running')")
        return int(found[0]["number"]) if found else 0

    def _wait_until_all_have_ended(self) -> float:
        """Peace: how long the rest takes. A job that doesn't end is for the verdict to say."""
        began = time.monotonic()
        self.troubles.relieve()
        self.load.pause(True)
        self.load.stop_requests()
        before, changed = -1, time.monotonic()
        while unfinished := self._unfinished():
            self.load.keep_up()
            self.troubles.end_what_is_over()
            if unfinished != before:
                before, changed = unfinished, time.monotonic()
            elif time.monotonic() - changed > PATIENCE:
                print(self.ground.evidence(), file=sys.stderr)
                break
            time.sleep(0.05)
        return time.monotonic() - began

    def _wait_until_nobody_is_left(self) -> list[str]:
        try:
            self.ground.wait_until_nobody_is_left(timeout=PATIENCE)
        except UnfulfilledError:
            return [str(process) for process in self.ground.processes()]
        return []

    # -- what it says --------------------------------------------------------------------------------------

    def _report(self, verdict: Verdict, seconds: float, quiet_seconds: float) -> None:
        options, counts = self.options, verdict.counts
        kills = [blow.role for blow in self.troubles.blows if blow.sign == "KILL"]
        by_role = ", ".join(f"{kills.count(role)} x {role}" for role in sorted(set(kills)))
        print(f"seed {options.seed}: {seconds:.0f} s, {len(kills)} kills ({by_role})")
        print("acts:", ", ".join(f"{number} x {act}" for act, number in sorted(self.troubles.acts.items())))
        if self.disk.problem:
            print(f"not tried, a full disk: {self.disk.problem}")
        print(f"answers to requests: {dict(sorted(self.load.answers.items()))} (0: none); starts: {self.load.starts}")
        for word in ("accepted", "accepted, and the caller died before it knew", "done", "error", "cancelled"):
            print(f"  {counts[word]:>8,}  {word}")
        for word in sorted(word for word in counts if word.startswith(("run twice", "refused"))):
            print(f"  {counts[word]:>8,}  {word}")
        broken = {"lost", "stuck", "run twice without cause", "counted twice", "processes left", *verdict.violations}
        for word in sorted(broken):
            print(f"  {len(verdict.violations.get(word, [])):>8,}  {word}")
        for role, times in sorted(verdict.recovery.items()):
            if len(times) > 1:
                p99 = statistics.quantiles(times, n=100, method="inclusive")[98]
                print(f"recovery after a {role}'s kill: p50 {statistics.median(times):.3f} s, p99 {p99:.3f} s ({len(times)})")
        print(f"all had ended {quiet_seconds:.1f} s after the last trouble")
        for word, evidence in verdict.violations.items():
            for each in evidence[:5]:
                print(f"VIOLATION: {word}: {each}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long (default 1; 30 and more say something)")
    parser.add_argument("--rate", type=float, default=10.0, help="acts a second at most (default 10; most are kills)")
    parser.add_argument("--calls", type=float, default=40.0, help="calls a second (default 40)")
    parser.add_argument("--workers", type=int, default=3, help="worker processes (default 3)")
    parser.add_argument("--threads", type=int, default=1, help="jobs at once in each (default 1)")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="replays the decisions of a run")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # everything that was started is ended
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs inherit that it is ignored
    folder = Path(tempfile.mkdtemp(prefix="autocron-torture-"))
    print(f"seed {options.seed}, {options.minutes:g} minutes, in {folder}", flush=True)
    verdict = Torture(folder, options).run()
    if any(verdict.violations.values()):
        print(f"a guarantee was broken; notes and output stay in {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
