"""Every transition of the SQLite store, and the program that kills a process at each statement of one.

``python faults.py FOLDER TRANSITION...`` prints how often each was killed. It ends with an AssertionError where a kill left
something that the next start doesn't repair.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from store_kinds import EXPIRY, LATER, NOW, OTHER_OWNER, OWNER, SECOND, at_most_once, job, launch, schedule

from autocron.model import RUNNING, WAITING, Claim, Finished, Status
from autocron.store import SqliteStore
from autocron.store.interventions import Interventions
from autocron.store.reports import Filter

HELD_TASK = "app.unknown"


class World:
    """A file with jobs in every state, and what is known of them."""

    def __init__(self, path: Path) -> None:
        store = SqliteStore(path, create=True)
        tasks = {"app.work": "app", "app.tidy": "app"}
        self.application = store.register(launch("new"), tasks, [schedule()], NOW)
        self.old_application = store.register(launch("old"), tasks | {HELD_TASK: "app"}, [], NOW)
        self.idle_application = store.register(launch("idle"), tasks, [], NOW)
        mine = self.application
        store.add([job(mine) for _ in range(8)] + [job(mine, policy=at_most_once()) for _ in range(2)], NOW)
        works = store.claim(mine, 10, OWNER, NOW)
        self.running: list[Claim] = [work.claim for work in works]
        self.running_uuids = [work.uuid for work in works]
        store.cancel(works[6].uuid, EXPIRY, NOW)
        waiting = [
            job(mine, unique_key="k"),
            job(mine, priority=3),
            job(mine, run_at=LATER),
            job(self.old_application),
            job(self.old_application, task=HELD_TASK),
        ]
        self.waiting = store.add(waiting, NOW)
        (held,) = [work for work in store.claim(self.old_application, 9, OWNER, NOW) if work.task == HELD_TASK]
        store.hold(held.claim, "unknown", NOW)
        self.failed, self.done = store.add([job(mine, priority=9), job(mine, priority=8)], NOW)
        first, second = store.claim(mine, 2, OWNER, NOW)
        store.fail(first.claim, "failed", "Traceback", 7, EXPIRY, NOW)
        store.finish(second.claim, "1", 7, NOW, NOW)
        (self.schedule,) = store.schedules()
        store.fire(self.schedule, [(NOW + 60 * SECOND, NOW)], NOW + 120 * SECOND, NOW)
        (self.schedule,) = store.schedules()
        store.close()


def exchange(store: SqliteStore, world: World) -> None:
    """What a supervisor does in one turn: outcomes of all kinds in, claims out."""
    with store.transaction():
        done, failed, again, free, unknown, also_done, wish, beside, *_ = world.running
        store.finish_each([Finished(done, "1", 7, EXPIRY), Finished(also_done, "2", 7, EXPIRY)], LATER)
        store.fail(failed, "failed", "Traceback", 7, EXPIRY, LATER)
        store.retry_later(again, "failed", "Traceback", 7, LATER + SECOND, LATER)
        store.suspect(beside, "died", 7, 1, LATER)
        store.release(free, LATER)
        store.hold(unknown, "unknown", LATER)
        store.cancelled(wish, 7, EXPIRY, LATER)
        store.promote(LATER)
        store.adopt_jobs(world.application, [world.old_application])
        store.suspects()
        store.claim(world.application, 1, OWNER, LATER, company=1)
        store.claim(world.application, 3, OWNER, LATER)


def claim_a_suspect(store: SqliteStore, world: World) -> None:
    with store.transaction():
        store.suspect(world.running[0], "died", 7, 1, NOW)
        store.claim(world.application, 1, OWNER, NOW, company=1)


def make_the_file(store: SqliteStore, world: World) -> None:
    with contextlib.closing(SqliteStore(Path(store.database.path).with_name("new.db"), create=True)) as new:
        new.revision()


TRANSITIONS: dict[str, Callable[[SqliteStore, World], object]] = {
    "making the file": make_the_file,
    "add": lambda store, world: store.add([job(world.application)], NOW),
    "add many": lambda store, world: store.add([job(world.application) for _ in range(3)], NOW),
    "add each": lambda store, world: store.add_each(job(world.application), ["[]"] * 60, NOW),
    "add unique": lambda store, world: store.add([job(world.application, unique_key="k")], NOW),
    "promote": lambda store, world: store.promote(LATER),
    "claim": lambda store, world: store.claim(world.application, 2, OWNER, NOW),
    "claim one": lambda store, world: store.claim(world.application, 1, OWNER, NOW),
    "note": lambda store, world: store.note(world.running[0], "[1, 2]", "a line\n", NOW),
    "finish": lambda store, world: store.finish(world.running[0], "1", 7, EXPIRY, NOW),
    "finish each": lambda store, world: store.finish_each(
        [Finished(claim, "1", 7, EXPIRY) for claim in world.running[:3]], NOW
    ),
    "fail": lambda store, world: store.fail(world.running[0], "failed", "Traceback", 7, EXPIRY, NOW),
    "retry later": lambda store, world: store.retry_later(world.running[0], "failed", "", 7, LATER, NOW, lost=True),
    "suspect": lambda store, world: store.suspect(world.running[0], "died", 7, 1, NOW),
    "suspect to be cancelled": lambda store, world: store.suspect(world.running[6], "died", 7, 1, NOW),
    "claim a suspect": claim_a_suspect,
    "release": lambda store, world: store.release(world.running[0], NOW),
    "release of one to be cancelled": lambda store, world: store.release(world.running[6], NOW),
    "give back": lambda store, world: store.give_back(world.running[0], NOW),
    "hold": lambda store, world: store.hold(world.running[0], "unknown", NOW),
    "cancel a waiting one": lambda store, world: store.cancel(world.waiting[0], EXPIRY, NOW),
    "cancel a running one": lambda store, world: store.cancel(world.running_uuids[0], EXPIRY, NOW),
    "cancelled": lambda store, world: store.cancelled(world.running[6], 7, EXPIRY, NOW),
    "retry": lambda store, world: store.retry(world.failed, NOW),
    "recover": lambda store, world: store.recover(OTHER_OWNER, EXPIRY, NOW),
    "expire": lambda store, world: store.expire(NOW, 100),
    "exchange": exchange,
    "maintain": lambda store, world: store.maintain(),
    "change settings": lambda store, world: store.change_settings({"workers": 3, "timezone": "UTC", "threads": None}),
    "register": lambda store, world: store.register(launch("newest"), {"app.new": "app"}, [schedule("app.new")], NOW),
    "attach": lambda store, world: store.attach(world.old_application, NOW),
    "adopt": lambda store, world: store.adopt_jobs(world.application, [world.old_application]),
    "forget applications": lambda store, world: store.forget_applications([world.application, world.idle_application]),
    "fire": lambda store, world: store.fire(world.schedule, [(NOW + 120 * SECOND, NOW)], NOW + 180 * SECOND, NOW),
    "rewind": lambda store, world: store.rewind(NOW - 1000 * SECOND),
    "drop schedules": lambda store, world: store.drop_schedules(world.application, ["app.tidy"]),
    "mark broken": lambda store, world: store.mark_broken(world.application, {"app.tidy": "it can't be imported"}),
    "retry all failed": lambda store, world: Interventions(store.database).retry_failed(Filter(), NOW),
    "run now": lambda store, world: Interventions(store.database).run_now(world.schedule, NOW),
}


class Careless(sqlite3.Connection):
    """Doesn't wait for the disk, which takes long: what a killed process has written is there all the same."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        super().execute("pragma synchronous = off")

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        return super().execute("pragma synchronous = off" if sql.startswith("pragma synchronous") else sql, *args)


def connect_with(kind: type[Careless]) -> None:
    """Have this process open its databases so."""
    connect = sqlite3.dbapi2.connect
    sqlite3.connect = lambda *args, **options: connect(*args, **{**options, "factory": kind})


# -- the kill ----------------------------------------------------------------------------------------------


class Fatal(Careless):
    """A connection that kills its process before (even) or after (odd) one of its statements, counted from 0."""

    statements = 0
    moment = -1

    def execute(self, *args: Any) -> sqlite3.Cursor:
        Fatal.die_at(2 * Fatal.statements)
        cursor = super().execute(*args)
        Fatal.die_at(2 * Fatal.statements + 1)
        Fatal.statements += 1
        return cursor

    def executemany(self, *args: Any) -> sqlite3.Cursor:
        Fatal.die_at(2 * Fatal.statements)
        cursor = super().executemany(*args)
        Fatal.die_at(2 * Fatal.statements + 1)
        Fatal.statements += 1
        return cursor

    @staticmethod
    def die_at(moment: int) -> None:
        if moment == Fatal.moment:
            os.kill(os.getpid(), signal.SIGKILL)


def run_in_a_child(transition: Callable[[SqliteStore, World], object], world: World, path: Path, moment: int) -> bool:
    """Whether it came to its end instead of being killed at that moment."""
    child = os.fork()
    if child == 0:
        try:
            connect_with(Fatal)
            random.seed(1)  # the nonce of a new job
            store = SqliteStore(path)
            store.revision()  # opens the file
            Fatal.statements, Fatal.moment = 0, moment
            transition(store, world)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGKILL), f"it ended with status {status}"
    return status == 0


def contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    store = SqliteStore(path)
    ((verdict,),) = store.database.read("pragma integrity_check")
    assert verdict == "ok", verdict
    assert not store.database.read("pragma foreign_key_check")
    tables = [row["name"] for row in store.database.read("select name from sqlite_schema where type = 'table'")]
    found = {table: [tuple(row) for row in store.database.read(f"select * from {table}")] for table in tables}
    store.close()
    return found


# -- the next start ----------------------------------------------------------------------------------------


def work_until_nothing_is_left(path: Path, world: World) -> None:
    """What the next supervisor does, with workers that succeed. Each job that had no end gets one, and no other does."""
    store = SqliteStore(path)
    before = {found.uuid: found for found in store.jobs()}
    store.recover("host:9:cccc", EXPIRY, LATER)
    assert store.counts()[RUNNING] == 0
    for known in store.applications():
        store.attach(known.id, LATER)
    ends: dict[str, int] = {}
    moment = LATER
    while store.counts()[WAITING]:
        moment += 60 * SECOND
        with store.transaction():
            store.promote(moment)
            works = [
                work
                for known in store.applications()
                for company in (0, 1)
                for work in store.claim(known.id, 5, "host:9:cccc", moment, company=company)
            ]
            for work in works:
                store.finish(work.claim, "2", 8, EXPIRY, moment)
                ends[work.uuid] = ends.get(work.uuid, 0) + 1
        assert moment < LATER + 6000 * SECOND, "jobs wait for ever"
    after = {found.uuid: found for found in store.jobs()}
    assert after.keys() == before.keys()
    assert all(found.status.is_final for found in after.values())
    assert all(number == 1 for number in ends.values()), ends
    for uuid, found in before.items():
        if found.status.is_final:
            assert after[uuid] == found, f"job {uuid} had come to its end"
        else:
            assert (uuid in ends) == (after[uuid].status is Status.DONE), f"job {uuid} is {after[uuid].status}"
    assert world.done not in ends
    store.close()


def kill_at_each_moment(name: str, world: World, template: Path, folder: Path) -> int:
    """How many moments there were."""
    transition = TRANSITIONS[name]

    def run(moment: int) -> tuple[bool, Path]:
        path = folder / name / str(moment) / "jobs.db"
        path.parent.mkdir(parents=True)
        shutil.copy(template, path)
        return run_in_a_child(transition, world, path, moment), path

    _, undisturbed = run(-1)
    done_or_undone = [contents(template), contents(undisturbed)]
    moment, ended = 0, False
    while not ended:
        ended, path = run(moment)
        assert contents(path) in done_or_undone, f"{name}, killed at moment {moment}, is neither done nor undone"
        work_until_nothing_is_left(path, world)
        if name == "making the file":
            new = path.with_name("new.db")
            with contextlib.closing(SqliteStore(new, create=True)) as another:
                another.revision()
            assert contents(new)["jobs"] == []
        moment += 1
    return moment - 1


def main(folder: Path, names: list[str]) -> None:
    connect_with(Careless)
    template = folder / "template.db"
    world = World(template)
    print(json.dumps({name: kill_at_each_moment(name, world, template, folder) for name in names}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
