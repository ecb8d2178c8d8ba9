"""The SQLite store's schedules: keeping them, and turning their slots into jobs."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autocron.store import rows
from autocron.store.database import Database

if TYPE_CHECKING:
    from autocron.model import ScheduledTask

_COLUMNS = (
    "name task spec words application arguments queue priority policy misfire grace overlap jitter anchor "
    "next_run_at last_run_at broken concurrent"
).split()


def revise(database: Database) -> None:
    """Have the supervisor read settings, applications and schedules again."""
    database.write("update revision set number = number + 1")


def save_schedules(database: Database, application: int, schedules: Sequence[ScheduledTask]) -> bool:
    """Register schedules. Whether something changed that a supervisor must know.

    An unchanged one keeps its anchor and its next slot, also through a restart of everything: a slot that passed
    meanwhile is a misfire. A new or changed one starts anew.
    """
    changed = False
    for schedule in schedules:
        same = database.read(
            "select * from schedules where name = ? and spec = ? order by application = ? desc, next_run_at desc limit 1",
            (schedule.name, schedule.spec, application),
        )
        values = {name: getattr(schedule, name) for name in _COLUMNS} | {"application": application}
        if same:
            values |= {name: same[0][name] for name in ("anchor", "next_run_at", "last_run_at")}
        if same and all(same[0][name] == values[name] for name in _COLUMNS):
            continue
        changed = True
        database.write(
            f"insert or replace into schedules ({', '.join(_COLUMNS)}) "  # noqa: S608  (constants of this module)
            f"values ({', '.join(':' + column for column in _COLUMNS)})",
            values,
        )
    return changed


class Timetable:
    """A part of the SQLite store."""

    database: Database

    def schedules(self) -> list[ScheduledTask]:
        from autocron.model import ScheduledTask

        found = self.database.read(f"select {', '.join(_COLUMNS)} from schedules order by name")  # noqa: S608
        stored: list[dict[str, Any]] = [{**dict(row), "concurrent": bool(row["concurrent"])} for row in found]
        return [ScheduledTask(**values) for values in stored]

    def fire(self, schedule: ScheduledTask, slots: Sequence[tuple[int, int]], next_run_at: int | None, now: int) -> int:
        """→ waiting for each slot's job, and the schedule moves on, in one transaction."""
        with self.database.transaction():
            parameters = {
                "name": schedule.name,
                "spec": schedule.spec,
                "application": schedule.application,
                "expected": schedule.next_run_at,
                "next_run_at": next_run_at,
                "last_run_at": slots[-1][0] if slots else None,
            }
            if not self.database.read(
                "select 1 from schedules where name = :name and spec = :spec and application = :application "
                "and next_run_at is :expected",
                parameters,
            ):
                return 0
            # For every application that has it: whoever fires it next goes on from here.
            self.database.write(
                "update schedules set next_run_at = :next_run_at, last_run_at = coalesce(:last_run_at, last_run_at) "
                "where name = :name and spec = :spec",
                parameters,
            )
            return sum(self._make_job(schedule, slot, run_at, now) for slot, run_at in slots)

    def _make_job(self, schedule: ScheduledTask, slot: int, run_at: int, now: int) -> int:
        # Slots that are made up for don't overlap one another either.
        if schedule.overlap != "allow" and self.has_unfinished(schedule.name):
            readiness = 3
        else:
            readiness = 0 if run_at > now else 1
        # The unique index on (schedule, slot) is the last guard: no slot ever makes two jobs.
        return self.database.write(
            """
            insert or ignore into jobs (nonce, task, application, queue, priority, state, readiness, run_at,
                                        arguments, policy, created_at, schedule, slot, concurrent)
            values (?, ?, ?, ?, ?, 'waiting', ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            (
                random.getrandbits(rows.NONCE_BITS),
                schedule.task,
                schedule.application,
                schedule.queue,
                schedule.priority,
                readiness,
                run_at,
                schedule.arguments,
                schedule.policy,
                now,
                schedule.name,
                slot,
                schedule.concurrent,
            ),
        ).rowcount

    def rewind(self, now: int) -> None:
        with self.database.transaction():
            self.database.write("update schedules set anchor = :now where anchor > :now", {"now": now})
            self.database.write(
                """
                update jobs set run_at = max(:now, run_at - (max(created_at, coalesce(started_at, 0)) - :now))
                where state = 'waiting' and readiness in (0, 3) and (schedule is not null or attempt > 0)
                  and max(created_at, coalesce(started_at, 0)) > :now
                """,
                {"now": now},
            )

    def has_unfinished(self, schedule: str) -> bool:
        found = self.database.read(
            "select 1 from jobs where schedule = ? and state in ('waiting', 'running') limit 1", (schedule,)
        )
        return bool(found)

    def drop_schedules(self, application: int, tasks: Collection[str]) -> None:
        with self.database.transaction():
            for task in tasks:
                self.database.write("delete from schedules where application = ? and task = ?", (application, task))
                self.database.write(
                    "delete from jobs where state = 'waiting' and application = ? and task = ? and schedule is not null",
                    (application, task),
                )
            revise(self.database)

    def mark_broken(self, application: int, reasons: Mapping[str, str]) -> None:
        with self.database.transaction():
            for task, reason in reasons.items():
                self.database.write(
                    "update schedules set broken = ? where application = ? and task = ?", (reason, application, task)
                )
            revise(self.database)
