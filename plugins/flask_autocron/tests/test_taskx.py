"""Code written for Flask-TaskX, with its import line changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

import autocron
from flask_autocron.taskx import BackgroundTaskWorker

worker = BackgroundTaskWorker(Flask("shop"))


@worker.define_task
def email_task(**kwargs: str) -> str:
    return f"to {kwargs['to']}"


def test_a_payload_is_applied_as_keywords_or_as_one_dictionary_and_a_call_is_a_plain_call() -> None:
    payload = {"to": "a@b.c"}
    assert email_task.apply(**payload).wait(1) == email_task.apply(payload).wait(1) == email_task(**payload) == "to a@b.c"


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
