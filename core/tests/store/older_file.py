"""A file as the first schema made it, with jobs in every state."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from store_kinds import LATER, NOW, launch

from autocron.store import migrations

JOBS: list[dict[str, Any]] = [
    {"state": "waiting", "readiness": 1},
    {"state": "waiting", "readiness": 0, "run_at": LATER, "unique_key": "app.work =k"},
    {"state": "waiting", "readiness": 2, "task": "app.unknown", "error": "the running code has no task app.unknown"},
    {"state": "waiting", "readiness": 3, "schedule": "app.tidy", "slot": NOW + 1},
    {"state": "running", "readiness": 1, "owner": "host:1:dead", "attempt": 1, "started_at": NOW, "schedule": "app.tidy", "slot": NOW},
    {"state": "running", "readiness": 1, "owner": "host:1:dead", "attempt": 2, "started_at": NOW, "cancel_requested": 1},
    {"state": "done", "readiness": 1, "attempt": 1, "finished_at": NOW, "expires_at": LATER, "result": '"é"', "worker": 7},
    {"state": "error", "readiness": 1, "attempt": 2, "failures": 2, "finished_at": NOW, "expires_at": LATER, "error": "ValueError: x"},
    {"state": "cancelled", "readiness": 1, "finished_at": NOW, "expires_at": LATER},
]  # fmt: skip


def make(path: Path) -> None:
    """What the first version would have left behind."""
    schema = Path(migrations.__file__).with_name("schema") / "0001_initial.sql"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(
            f"""
            pragma auto_vacuum = incremental;
            pragma journal_mode = wal;
            {schema.read_text(encoding="utf-8")}
            pragma user_version = 1;
            pragma application_id = {migrations.APPLICATION_ID};
            insert into settings values ('workers', '3');
            insert into tasks values ('app.work', 1, 'app');
            insert into paused_queues values ('mail');
            """.replace(
                "insert into tasks", f"insert into applications values (1, '{launch().to_json()}', {NOW}); insert into tasks"
            )
        )
        for number, changes in enumerate(JOBS, 1):
            row: dict[str, Any] = {
                "id": number,
                "nonce": 1000 + number,
                "task": "app.work",
                "application": 1,
                "queue": "default",
                "priority": 0,
                "run_at": NOW,
                "arguments": f"[[{number}],{{}}]",
                "policy": "{}",
                "created_at": NOW,
                **changes,
            }
            names = ", ".join(row)
            values = ", ".join(f":{name}" for name in row)
            connection.execute(f"insert into jobs ({names}) values ({values})", row)
        connection.execute("insert into attempts values (8, 1, ?, ?, 7, 'error', 'ValueError: x', 'Traceback')", (NOW, NOW))
        connection.execute(
            "insert into schedules (name, application, task, spec, words, arguments, queue, priority, policy, misfire, overlap, "
            "jitter, anchor, next_run_at) values ('app.tidy', 1, 'app.tidy', '{}', '', '[[],{}]', 'default', 0, '{}', 'latest', "
            "'queue', 0.0, ?, ?)",
            (NOW, LATER),
        )
