"""Code written for Flask-TaskX, with its import line changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

import autocron
from flask_autocron.taskx import BackgroundTaskWorker

APPLICATION = """
import os
import sys
from datetime import date

from flask import Flask, current_app
from flask_autocron.taskx import BackgroundTaskWorker

task_worker = BackgroundTaskWorker()
app = Flask("shop")
app.config.update(AUTOCRON_DATABASE=os.environ["DATABASE"], AUTOCRON_APP="application:app", TASKER_LOOP_INTERVAL=5)
task_worker.init_app(app)


@task_worker.define_task
def email_task(**kwargs):
    return [kwargs["to"], current_app.name, os.getpid()]


@task_worker.define_cron_task(month="6-8,11-12", day="3rd fri", hour="0-3")
def report():
    pass


@task_worker.define_date_task(run_date=date(2009, 11, 6), args=["email@email.com"])
def once(address):
    print("sent to", address, flush=True)


task_worker.start()

if __name__ == "__main__":
    import json

    import autocron

    payload = {"to": "a@b.c"}
    answers = [email_task.apply(**payload).wait(30), email_task.apply(payload).wait(30)]
    with app.app_context():
        answers.append(email_task(to="here"))
    print(json.dumps([os.getpid(), *answers]))
"""


def test_tasks_are_applied_in_workers_inside_the_application_context(tmp_path: Path) -> None:
    (tmp_path / "application.py").write_text(APPLICATION)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "AUTOCRON_"))}
    ended = subprocess.run(
        [sys.executable, "application.py"],
        cwd=tmp_path,
        env=environment | {"DATABASE": str(tmp_path / "jobs.db")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    pid, by_keywords, by_payload, called = json.loads(ended.stdout.splitlines()[-1])
    assert by_keywords[:2] == by_payload[:2] == ["a@b.c", "shop"]
    assert by_keywords[2] != pid
    assert called == ["here", "shop", pid]
    assert "report: At " in ended.stderr


@pytest.mark.parametrize(
    ("fields", "after", "expected"),
    [
        ({"month": "6-8,11-12", "day": "3rd fri", "hour": "0-3"}, "2026-06-01T00:00", "2026-06-19T00:00"),
        ({"month": "6-8,11-12", "day": "3rd fri", "hour": "0-3"}, "2026-06-19T03:00", "2026-07-17T00:00"),
        ({"day_of_week": "mon-fri", "hour": 5, "minute": 30}, "2026-06-19T06:00", "2026-06-22T05:30"),
        ({"hour": "5", "minute": "*"}, "2026-06-19T05:00", "2026-06-19T05:01"),
        ({"minute": "*/15"}, "2026-06-19T05:01", "2026-06-19T05:15"),
        ({"second": "*/10"}, "2026-06-19T05:01:01", "2026-06-19T05:01:10"),
        ({"month": 12}, "2026-06-19T05:01", "2026-12-01T00:00"),
        ({"day": "last"}, "2026-06-19T05:01", "2026-06-30T00:00"),
    ],
)
def test_cron_fields_mean_what_they_mean_in_apscheduler(
    fields: dict[str, Any], after: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = autocron.Autocron()
    seen: dict[str, Any] = {}

    def note(**keywords: Any) -> Any:
        seen.update(keywords)
        return lambda function: function

    monkeypatch.setattr(instance, "cron", note)
    BackgroundTaskWorker(instance=instance).define_cron_task(timezone="UTC", **fields)
    # The schedule itself is the core's; here it counts which one is asked for.
    from autocron import schedules

    keywords = {name: value for name, value in seen.items() if name != "jitter"}
    schedule = schedules.cron(**keywords)
    moment = round(datetime.fromisoformat(after).replace(tzinfo=UTC).timestamp() * 1e6)
    found = schedule.next_after(moment)
    assert found is not None
    assert datetime.fromtimestamp(found / 1e6, UTC).replace(tzinfo=None) == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"wek": 1}, "knows no field 'wek'"), ({"week": 1}, "'week'"), ({"day": 1, "day_of_week": 1}, "both day and day_of_week")],
)
def test_g66_what_has_no_counterpart_is_refused_with_words(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        BackgroundTaskWorker().define_cron_task(**fields)


def test_g66_starting_without_an_application_says_what_to_call() -> None:
    with pytest.raises(RuntimeError, match=r"call init_app\(app\)"):
        BackgroundTaskWorker().start()


def test_starting_twice_is_allowed() -> None:
    worker = BackgroundTaskWorker(Flask("shop"))
    worker.start()
    worker.start()
