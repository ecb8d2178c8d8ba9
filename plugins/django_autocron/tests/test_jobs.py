"""autocron's tasks in a served project: found, called, with connections that work."""

from __future__ import annotations

import pytest
from django_site import Site


def test_a_job_finds_what_a_request_has_committed(served: Site) -> None:
    assert served.do("order", "for a job", False) == [0, 1]
    uuid = served.do("results", "shop.tasks.look_up")[0]
    assert served.ended_job(uuid)["result"] == "for a job"


def test_a_call_on_commit_makes_no_job_when_the_transaction_is_rolled_back(served: Site) -> None:
    assert served.do("order", "for nobody", True) == [0, 0]


def test_modules_of_tasks_are_found_in_every_application(served: Site) -> None:
    def ran() -> list[tuple[str]]:
        return served.rows("select result from jobs where task = 'clock.tasks.strike' and state = 'done'")

    assert served.wait_until(ran, "the scheduled function of an application that nobody imports runs")


def test_schedules_are_in_the_projects_time_zone(served: Site) -> None:
    assert served.rows("select value from settings where name = 'timezone'") == [('"Asia/Tokyo"',)]


def test_g60_a_persistent_connection_stays_and_its_query_log_is_fresh(served: Site) -> None:
    first, second = served.result_after("use_connection"), served.result_after("use_connection")
    assert first["connection"] == second["connection"]
    assert (first["queries"], second["queries"]) == (0, 0)


@pytest.mark.parametrize("kind", ["", "_async"])
def test_g60_a_connection_that_died_in_one_job_is_replaced_for_the_next(served: Site, kind: str) -> None:
    broken = served.job_after(f"break_connection{kind}")
    assert broken["status"] == "error"
    assert "closed" in broken["error"]
    assert served.job_after(f"use_connection{kind}")["status"] == "done"
