"""Django's Tasks framework on autocron, as its documentation says that a backend behaves."""

from __future__ import annotations

import datetime as dt

import pytest
from django_site import Site


def test_a_task_is_enqueued_and_its_value_fetched_by_its_id(served: Site) -> None:
    enqueued = served.do("enqueue", "add", [20, 22])
    assert (enqueued["status"], enqueued["attempts"], enqueued["errors"]) == ("READY", 0, [])
    assert (enqueued["args"], enqueued["kwargs"], enqueued["backend"]) == ([20, 22], {}, "default")
    result = served.finished("add", enqueued["id"])
    assert (result["status"], result["value"], result["attempts"], result["errors"]) == ("SUCCESSFUL", 42, 1, [])
    moments = [dt.datetime.fromisoformat(moment) for moment in result["moments"]]
    assert moments == sorted(moments)
    assert served.do("job", enqueued["id"])["task"] == "shop.tasks.add"


def test_an_async_task_uses_the_database(served: Site) -> None:
    result = served.finished_after("add_async", 1, 2)
    assert (result["status"], result["value"]) == ("SUCCESSFUL", 3)


def test_queue_and_priority_of_a_task_are_those_of_its_job(served: Site) -> None:
    declared = served.finished_after("described", "as declared")
    assert (declared["queue"], declared["priority"]) == ("mail", 7)
    changed = served.finished_after("described", "otherwise", queue_name="post", priority=-3)
    assert (changed["queue"], changed["priority"], changed["value"]) == ("post", -3, "described otherwise")
    assert served.rows("select count(*) from jobs where queue = 'post' and priority = -3") == [(1,)]


def test_a_task_doesnt_run_before_its_time(served: Site) -> None:
    enqueued = served.do("enqueue", "add", [1], {}, 1.5)
    result = served.finished("add", enqueued["id"])
    assert result["run_after"] == enqueued["run_after"]
    assert dt.datetime.fromisoformat(result["moments"][1]) >= dt.datetime.fromisoformat(enqueued["run_after"])


def test_a_task_sees_its_context(served: Site) -> None:
    result = served.finished_after("describe", "words")
    seen = result["value"]
    assert (seen["attempt"], seen["id"], seen["status"]) == (1, result["id"], "RUNNING")
    assert (seen["args"], seen["kwargs"], seen["text"]) == (["words"], {}, "words")
    assert seen["worker_ids"] == result["worker_ids"] == [str(seen["pid"])]


@pytest.mark.parametrize(
    ("task", "error", "words"),
    [("fail", "shop.models.Order.DoesNotExist", "no such order"), ("fail_async", "builtins.ValueError", "no such order")],
)
def test_a_failed_task_tells_its_error(served: Site, task: str, error: str, words: str) -> None:
    result = served.finished_after(task, words)
    assert (result["status"], result["value"], result["attempts"]) == ("FAILED", None, 1)
    ((name, traceback),) = result["errors"]
    assert name == error
    assert "Traceback" in traceback
    assert words in traceback


def test_each_attempt_of_a_task_with_retries_is_told(served: Site) -> None:
    result = served.finished_after("third_time")
    assert (result["status"], result["value"], result["attempts"]) == ("SUCCESSFUL", 3, 3)
    assert [name for name, _ in result["errors"]] == ["builtins.KeyError", "builtins.KeyError"]
    assert ["attempt 1" in result["errors"][0][1], "attempt 2" in result["errors"][1][1]] == [True, True]
    assert result["backend"] == "patient"


def test_a_task_may_be_enqueued_on_another_backend_than_its_own(served: Site) -> None:
    result = served.finished_after("add", 3, 4, backend="patient")
    assert (result["status"], result["value"], result["backend"]) == ("SUCCESSFUL", 7, "patient")
    assert (result["args"], result["kwargs"]) == ([3, 4], {})


def test_a_task_whose_worker_dies_has_failed_after_its_attempts(served: Site) -> None:
    result = served.finished_after("die")
    assert (result["status"], result["attempts"]) == ("FAILED", 3)
    assert {name for name, _ in result["errors"]} == {"autocron.TaskFailed"}


def test_a_value_that_is_no_json_is_an_error(served: Site) -> None:
    result = served.finished_after("return_what_is_no_json")
    assert (result["status"], [name for name, _ in result["errors"]]) == ("FAILED", ["builtins.TypeError"])


def test_arguments_that_dont_fit_are_refused_at_the_call(served: Site) -> None:
    before = len(served.do("jobs"))
    assert "missing a required argument: 'first'" in served.do("refused", "add", [])
    assert "too many positional arguments" in served.do("refused", "describe", ["a", "b"])
    assert len(served.do("jobs")) == before


@pytest.mark.parametrize(
    ("task", "signals"),
    [
        ("add", [["task_started", "RUNNING"], ["task_finished", "SUCCESSFUL"]]),
        ("fail", [["task_started", "RUNNING"], ["task_finished", "FAILED"]]),
        ("fail_async", [["task_started", "RUNNING"], ["task_finished", "FAILED"]]),
    ],
)
def test_signals_are_sent_where_the_task_runs_and_may_use_the_database(
    served: Site, task: str, signals: list[list[str]]
) -> None:
    result = served.finished_after(task, 1)
    assert served.do("signals", result["id"]) == signals


def test_task_finished_is_sent_once_for_all_attempts(served: Site) -> None:
    result = served.finished_after("third_time")
    assert [name for name, _ in served.do("signals", result["id"])] == ["task_started"] * 3 + ["task_finished"]


def test_a_result_is_none_of_another_task_and_must_exist(served: Site) -> None:
    of_another = served.do("enqueue", "add", [1])["id"]
    assert served.do("missing", "described", of_another) == "TaskResultMismatch"
    assert served.do("missing", "add", served.do("call", "use_connection")) == "TaskResultDoesNotExist"
    assert served.do("missing", "add", "00000000-0000-8000-8000-000000000000") == "TaskResultDoesNotExist"
    assert served.do("missing", "add", "no uuid") == "TaskResultDoesNotExist"
