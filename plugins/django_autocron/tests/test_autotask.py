"""autotask's documentation, example by example, with nothing but its import line changed."""

from __future__ import annotations

import datetime as dt
import sys
import types
from collections.abc import Iterator

import pytest

import autocron
from autocron import clock, testing

# The examples, as a module of an application would have them. What each should do is in the tests.
MODULE = """
from django_autocron.autotask import (
    delayed_task,
    periodic_task,
    cron_task,
)
from django_autocron.autotask import (
    WAITING,
    RUNNING,
    DONE,
    ERROR
)

@delayed_task(delay=0, retries=0, ttl=300)
def at_once(*args, **kwargs):
    return [list(args), kwargs]

@delayed_task()
def bare():
    return "bare"

@delayed_task(delay=10, retries=2)
def unlucky():
    raise ValueError("no luck")

@periodic_task(seconds=3600, start_now=False)
def hourly(*args, **kwargs):
    return "hourly"

@periodic_task(seconds=600, start_now=True)
def from_the_start():
    return "now"

@cron_task(minutes=None, hours=None, dow=None,
           months=None, dom=None, crontab=None)
def each_minute(*args, **kwargs):
    return "minute"

@cron_task(minutes=[15, 30], hours=[7])
def in_the_morning():
    return "morning"

@cron_task(minutes=[0], hours=[12], dow=[0], dom=[10])
def mondays_and_the_tenth():
    return "either"

@cron_task(crontab='* * * * *')
def each_minute_too():
    return "minute"

@cron_task(crontab='15,30 7 * * *', hours=[23])
def in_the_morning_too():
    return "morning"

@cron_task(crontab='* 9 0 4,7 10-15')
def at_nine():
    return "nine"
"""

MONDAY = dt.datetime(2027, 3, 1, tzinfo=dt.UTC)


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    made = types.ModuleType("shop_of_old")
    monkeypatch.setitem(sys.modules, "shop_of_old", made)
    exec(MODULE, vars(made))
    return made


@pytest.fixture
def jobs(module: types.ModuleType) -> Iterator[testing.Collected]:
    with testing.collected(now=MONDAY) as collected:
        yield collected


def next_slots(name: str, number: int) -> list[str]:
    """When a schedule of the module is due, on the wall in UTC."""
    schedule = autocron.default.declared[f"shop_of_old.{name}"].build("UTC")
    moment: int | None = clock.from_datetime(MONDAY)
    found = []
    for _ in range(number):
        assert moment is not None
        moment = schedule.next_after(moment)
        assert moment is not None
        found.append(f"{clock.to_datetime(moment):%a %Y-%m-%d %H:%M}")
    return found


def slots(jobs: testing.Collected, name: str) -> list[dt.datetime]:
    return [handle.run_at for handle in jobs.jobs if handle.task == f"shop_of_old.{name}"]


def test_a_delayed_task_returns_at_once_and_tells_what_becomes_of_it(jobs: testing.Collected, module: types.ModuleType) -> None:
    handle = module.at_once(1, 2, key="word")
    assert (handle.ready, handle.status, handle.result, handle.error_message) == (False, module.WAITING, None, "")
    jobs.run_pending()
    assert (handle.ready, handle.status, handle.result) == (True, module.DONE, [[1, 2], {"key": "word"}])


def test_a_delayed_task_waits_is_retried_and_tells_its_error(jobs: testing.Collected, module: types.ModuleType) -> None:
    handle = module.unlucky()
    jobs.advance(seconds=9)
    assert (handle.status, handle.attempts) == (module.WAITING, 0)
    jobs.advance(minutes=1)
    assert (handle.ready, handle.status, handle.attempts, handle.result) == (True, module.ERROR, 3, None)
    assert "no luck" in handle.error_message


def test_a_delayed_task_needs_no_arguments(jobs: testing.Collected, module: types.ModuleType) -> None:
    handle = module.bare()
    jobs.run_pending()
    assert handle.result == "bare"
    assert module.RUNNING == "running"


def test_periodic_tasks_run_by_the_second(jobs: testing.Collected) -> None:
    jobs.advance(hours=2)
    assert len(slots(jobs, "hourly")) == 2
    assert slots(jobs, "from_the_start")[:2] == [MONDAY, MONDAY + dt.timedelta(minutes=10)]


@pytest.mark.parametrize("name", ["each_minute", "each_minute_too"])
def test_a_cron_task_without_restrictions_runs_every_minute(jobs: testing.Collected, name: str) -> None:
    jobs.advance(minutes=3)
    minutes = [MONDAY + dt.timedelta(minutes=minute) for minute in range(4)]
    assert [slot for slot in slots(jobs, name) if slot > MONDAY] == minutes[1:]


@pytest.mark.parametrize("name", ["in_the_morning", "in_the_morning_too"])
def test_a_cron_task_runs_at_7_15_and_7_30(module: types.ModuleType, name: str) -> None:
    assert next_slots(name, 3) == ["Mon 2027-03-01 07:15", "Mon 2027-03-01 07:30", "Tue 2027-03-02 07:15"]


def test_days_of_the_week_and_of_the_month_complement_each_other(module: types.ModuleType) -> None:
    assert next_slots("mondays_and_the_tenth", 3) == ["Mon 2027-03-01 12:00", "Mon 2027-03-08 12:00", "Wed 2027-03-10 12:00"]


def test_the_documented_crontab_with_weekday_months_and_days(module: types.ModuleType) -> None:
    found = next_slots("at_nine", 8)
    assert found[:2] == ["Mon 2027-04-05 09:00", "Sat 2027-04-10 09:00"]
    assert found[-1] == "Mon 2027-04-19 09:00"


def test_functions_of_schedules_stay_ordinary_functions(module: types.ModuleType) -> None:
    assert (module.hourly(1, two=2), module.at_nine()) == ("hourly", "nine")
