"""What callers, tasks, kernel and database say became of every job, held against each other."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from integration_tests.harness import jobs
from integration_tests.harness.jobs import Row
from integration_tests.torture.troubles import Blow

RETRIES = 2
"""Of the tasks that fail on purpose."""

NUMBER_REUSED = 60_000_000_000
"""Nanoseconds: a worker that lived on is heard of within them, and no number of a process is given again so soon."""

_TOKEN = re.compile(r"t-\d+-\d+-[\d.]+")
_NAME = re.compile(r"\d+-\d+")


@dataclass(slots=True)
class Attempt:
    """One execution, by what the task itself noted. ``how`` is empty if it never came to its end."""

    name: str
    began: int
    how: str = ""
    ended: int = 0

    @property
    def pid(self) -> int:
        return int(self.name.partition("-")[0])


@dataclass(slots=True)
class Told:
    """One job, as its caller and its attempts tell of it."""

    token: str
    kind: str
    uuid: str = ""
    refused: str = ""
    attempts: list[Attempt] = field(default_factory=list)


@dataclass(slots=True)
class Verdict:
    """``violations``: every guarantee that was broken, with its evidence, by the word for it."""

    counts: Counter[str] = field(default_factory=Counter)
    violations: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    recovery: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def judge(notes: Path, database: Path, blows: list[Blow], seen_final: dict[int, tuple[object, ...]]) -> Verdict:
    """The books are closed: nothing runs any more. ``seen_final``: rows that had ended at an earlier look."""
    verdict = Verdict()
    told = _read(notes, verdict)
    rows = {(row["id"], row["nonce"]): row for row in jobs.rows(database, "select * from jobs")}
    released = {
        row["job"] for row in jobs.rows(database, "select distinct job from attempts where outcome in ('released', 'lost')")
    }
    by_token = {found[0]: row for row in rows.values() if (found := _TOKEN.search(row["arguments"]))}
    workers_killed = _moments(blow for blow in blows if blow.role == "worker" and blow.sign == "KILL")
    supervisors_ended = _moments(blow for blow in blows if blow.role == "supervisor" and blow.sign in ("KILL", "TERM"))
    seen = _signs_of_life(told.values())

    for one in told.values():
        row = by_token.get(one.token)
        if one.uuid:
            verdict.counts["accepted"] += 1
            if row is None or rows.get(jobs.key_of(one.uuid)) is not row:
                verdict.violations["lost"].append(f"{one} has the row {row}")
                continue
        elif row is not None:
            # Its caller died between the commit and the note, or was told that nothing is stored.
            verdict.counts["accepted, and the caller died before it knew"] += 1
            if one.refused:
                verdict.violations["refused, and yet stored"].append(f"{one} has the row {row}")
        if row is None:
            if one.attempts:
                verdict.violations["run, and yet not stored"].append(str(one))
            continue
        verdict.counts[row["state"]] += 1
        for word in _broken(one, row, seen_final):
            verdict.violations[word].append(f"{one} has the row {row}")
        for earlier, later in zip(one.attempts, one.attempts[1:], strict=False):
            if earlier.how == "failed" or (one.kind == "endless" and not earlier.how):
                continue
            killed = [*workers_killed.get(earlier.pid, []), *(when for each in supervisors_ended.values() for when in each)]
            if any(earlier.began <= after and before <= later.began for before, after in killed):
                verdict.counts["run twice, its worker or supervisor killed under it"] += 1
            elif row["id"] in released and not _lived_on(seen[earlier.pid], later.began):
                verdict.counts["run twice, its worker ended by the supervisor"] += 1
            else:
                verdict.violations["run twice without cause"].append(f"{one} has the row {row}")
    for error in _integrity(database):
        verdict.violations["damaged"].append(error)
    _measure_recovery(told, blows, verdict)
    return verdict


def _signs_of_life(told: Iterable[Told]) -> dict[int, list[int]]:
    """The moments at which a worker was heard of, by its number."""
    seen: dict[int, list[int]] = {}
    for one in told:
        for attempt in one.attempts:
            seen.setdefault(attempt.pid, []).extend(filter(None, (attempt.began, attempt.ended)))
    return seen


def _lived_on(seen: list[int], after: int) -> bool:
    """Whether a worker was heard of after this moment. Not much later: the system gives its number to others again."""
    return any(after < moment < after + NUMBER_REUSED for moment in seen)


def _broken(one: Told, row: Row, seen_final: dict[int, tuple[object, ...]]) -> Iterator[str]:
    """The words for what isn't as it must be with this job."""
    state, attempts = row["state"], one.attempts
    if state in ("waiting", "running"):
        yield "stuck"
        return
    if row["id"] in seen_final and seen_final[row["id"]] != outcome_of(row):
        yield "counted twice"
    if len(attempts) > row["attempt"]:
        yield "counted twice"  # two executions of one claim
    if state == "done":
        found = _NAME.search(row["result"] or "")
        if not attempts or found is None or found[0] != attempts[-1].name or attempts[-1].how != "ended":
            yield "counted twice"  # it isn't the last attempt's outcome that counted
    capped = row["lost"] >= 3
    if state == "cancelled" and one.kind != "cancelled":
        yield "cancelled by nobody"
    if state == "error" and not (capped or one.kind in ("failing", "endless", "once")):
        yield "an error without cause"
    if one.kind == "once":
        if len(attempts) > 1:
            yield "run twice though at_most_once"
        if state == "error" and not row["lost"]:
            yield "an error without cause"
    if one.kind == "failing":
        failed = sum(attempt.how == "failed" for attempt in attempts)
        if state == "done" or (failed < RETRIES + 1 and not capped) or row["failures"] > RETRIES + 1:
            yield "another number of attempts than promised"


def outcome_of(row: Row) -> tuple[object, ...]:
    """What never changes again once a job has ended."""
    return tuple(row[name] for name in ("state", "attempt", "finished_at", "result"))


# -- the books ---------------------------------------------------------------------------------------------


def _read(notes: Path, verdict: Verdict) -> dict[str, Told]:
    told: dict[str, Told] = {}
    for file in notes.glob("caller-*.txt"):
        for _, *words in _lines(file):
            match words:
                case ["asked", kind, *tokens]:
                    told |= {token: Told(token, kind) for token in tokens}
                case ["accepted", token, uuid]:
                    told[token].uuid = uuid
                case ["refused", error, *tokens]:
                    verdict.counts[f"refused with {error}"] += len(tokens)
                    for token in tokens:
                        told[token].refused = error
    names: dict[str, Attempt] = {}
    for moment, word, token, name in _lines(notes / "executions.txt"):
        if word == "overlapped":
            verdict.violations["two attempts at once"].append(f"{token} {name}")
        if word in ("began", "overlapped"):
            names[name] = Attempt(name, int(moment))
            told[token].attempts.append(names[name])
        else:
            names[name].how, names[name].ended = word, int(moment)
    return told


def _lines(file: Path) -> Iterator[list[str]]:
    with file.open() as lines:
        for line in lines:
            yield line.split()


def _moments(blows: Iterator[Blow]) -> dict[int, list[tuple[int, int]]]:
    found = defaultdict(list)
    for blow in blows:
        found[blow.pid].append((blow.before, blow.after))
    return found


def _integrity(database: Path) -> list[str]:
    try:
        found = [row["integrity_check"] for row in jobs.rows(database, "pragma integrity_check")]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [] if found == ["ok"] else found


def _measure_recovery(told: dict[str, Told], blows: list[Blow], verdict: Verdict) -> None:
    """From a worker's KILL until its job begins again; from a supervisor's until any job begins."""
    begun = sorted(attempt.began for one in told.values() for attempt in one.attempts)
    under: dict[int, list[tuple[Attempt, int]]] = defaultdict(list)
    for one in told.values():
        for earlier, later in zip(one.attempts, one.attempts[1:], strict=False):
            if not earlier.how:
                under[earlier.pid].append((earlier, later.began))
    position = 0
    for blow in sorted(blows, key=lambda blow: blow.before):
        if blow.sign == "KILL" and blow.role == "worker":
            for attempt, began_again in under.get(blow.pid, []):
                if attempt.began <= blow.after and blow.before <= began_again:
                    verdict.recovery["worker"].append((began_again - blow.before) / 1e9)
        elif blow.sign == "KILL" and blow.role == "supervisor":
            while position < len(begun) and begun[position] < blow.after:
                position += 1
            # What a worker noted in its last moment doesn't count; a successor needs longer than that.
            again = [moment for moment in begun[position : position + 50] if moment > blow.after + 20_000_000]
            if again:
                verdict.recovery["supervisor"].append((again[0] - blow.before) / 1e9)
