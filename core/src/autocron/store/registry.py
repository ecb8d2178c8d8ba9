"""The SQLite store's memory of settings, applications and their tasks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from autocron.intake import Launch, Settings
from autocron.logs import logger_named
from autocron.settings import checked_stored
from autocron.store.database import Database
from autocron.store.timetable import revise, save_schedules

if TYPE_CHECKING:
    from autocron.model import Application, ScheduledTask

logger: Final = logger_named(__name__)


class Registry:
    """A part of the SQLite store."""

    database: Database

    def revision(self) -> int:
        return int(self.database.read("select number from revision")[0]["number"])

    def settings(self) -> Settings:
        """A stored value that can't be is left out: its default holds, and the log says so."""
        values: dict[str, Any] = {}
        for row in self.database.read("select name, value from settings"):
            try:
                values |= checked_stored(row["name"], json.loads(row["value"]))
            except (ValueError, RecursionError) as error:
                logger.warning("the stored setting %s isn't used: %s", row["name"], error)
        return Settings.from_mapping(values)

    def change_settings(self, changes: Mapping[str, Any]) -> None:
        """Nothing is written when nothing changes: start() says the same settings in every process."""
        with self.database.transaction():
            stored = {row["name"]: row["value"] for row in self.database.read("select name, value from settings")}
            changed = False
            for name, value in changes.items():
                text = None if value is None else json.dumps(value)
                if stored.get(name) == text:
                    continue
                changed = True
                if text is None:
                    self.database.write("delete from settings where name = ?", (name,))
                else:
                    self.database.write(
                        "insert into settings (name, value) values (?, ?) "
                        "on conflict (name) do update set value = excluded.value",
                        (name, text),
                    )
            if changed:
                revise(self.database)

    def register(self, launch: Launch, tasks: Mapping[str, str], schedules: Sequence[ScheduledTask], now: int) -> int:
        with self.database.transaction():
            application = self._application_id(launch, now)
            changed = self._learn_tasks(application, tasks)
            changed = save_schedules(self.database, application, schedules) or changed
            if changed:
                revise(self.database)
            return application

    def attach(self, application: int, now: int) -> None:
        with self.database.transaction():
            self.database.write("update applications set attached_at = ? where id = ?", (now, application))
            self.database.write(
                "update jobs set readiness = 1 where state = 'waiting' and readiness = 2 and application = ?",
                (application,),
            )
            revise(self.database)

    def applications(self) -> list[Application]:
        from autocron.model import Application

        modules: dict[int, list[str]] = {}
        for row in self.database.read("select distinct application, module from tasks order by module"):
            modules.setdefault(row["application"], []).append(row["module"])
        found: list[Application] = []
        for row in self.database.read("select id, launch, attached_at from applications order by id"):
            try:
                launch = Launch.from_json(row["launch"])
            except ValueError as error:
                logger.warning("application %d can't be launched, its row is damaged: %s", row["id"], error)
                continue
            found.append(Application(row["id"], launch, row["attached_at"], tuple(modules.get(row["id"], ()))))
        return found

    def _application_id(self, launch: Launch, now: int) -> int:
        text = launch.to_json()
        found = self.database.read("select id from applications where launch = ?", (text,))
        if found:
            return int(found[0]["id"])
        self.database.write("insert into applications (launch, attached_at) values (?, ?)", (text, now))
        revise(self.database)
        return int(self.database.read("select id from applications where launch = ?", (text,))[0]["id"])

    def _learn_tasks(self, application: int, tasks: Mapping[str, str]) -> bool:
        found = self.database.read("select name, module from tasks where application = ?", (application,))
        known = {row["name"]: row["module"] for row in found}
        new = {name: module for name, module in tasks.items() if known.get(name) != module}
        for name, module in new.items():
            self.database.write(
                "insert or replace into tasks (name, application, module) values (?, ?, ?)", (name, application, module)
            )
        return bool(new)

    def adopt_jobs(self, application: int, orphaned: Sequence[int]) -> int:
        """waiting, ready or held → waiting, ready, at another application that knows the task."""
        with self.database.transaction():
            return sum(
                # A statement for each readiness, because each has an index of its own.
                self.database.write(
                    f"update jobs set application = :adopter, readiness = 1 "  # noqa: S608  (constants)
                    f"where state = 'waiting' and readiness = {readiness} and application = :orphaned "
                    "and task in (select name from tasks where application = :adopter)",
                    {"adopter": application, "orphaned": other},
                ).rowcount
                for other in orphaned
                for readiness in (1, 2)
            )

    def with_waiting_jobs(self, applications: Sequence[int]) -> list[int]:
        return [
            application
            for application in applications
            if self.database.read(
                "select 1 from jobs where state = 'waiting' and readiness = 1 and application = :application "
                "union all select 1 from jobs where state = 'waiting' and readiness = 2 and application = :application "
                "limit 1",
                {"application": application},
            )
        ]

    def forget_applications(self, applications: Sequence[int]) -> int:
        with self.database.transaction():
            gone = sum(
                self.database.write(
                    "delete from applications where id = :id and not exists (select 1 from jobs where application = :id)",
                    {"id": number},
                ).rowcount
                for number in applications
            )
            if gone:
                revise(self.database)
            return gone
