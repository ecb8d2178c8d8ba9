"""Without workers, as in a project's own tests: calls run at once, or when the test says so."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import django
import inline_tasks
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.test import override_settings
from project.shop.framework import signals

import autocron
import django_autocron
from autocron import testing
from django_autocron.backend import AutocronBackend
from django_autocron.framework import TaskResultDoesNotExist
from django_autocron.results import class_path

SIGNALS = ("task_enqueued", "task_started", "task_finished")


@pytest.fixture
def told() -> Iterator[list[tuple[str, str, str]]]:
    """Name, id and status of each signal that is sent."""
    seen: list[tuple[str, str, str]] = []
    receivers = []
    for name in SIGNALS:

        def receive(sender: type, task_result: Any, name: str = name, **_: Any) -> None:
            assert sender is AutocronBackend
            seen.append((name, task_result.id, str(task_result.status)))

        getattr(signals, name).connect(receive)
        receivers.append((name, receive))
    yield seen
    for name, receive in receivers:
        getattr(signals, name).disconnect(receive)


def test_an_enqueued_task_has_run_when_the_call_returns(told: list[tuple[str, str, str]]) -> None:
    result = inline_tasks.add.enqueue(1, second=2)
    assert (str(result.status), result.return_value, result.attempts) == ("SUCCESSFUL", 3, 1)
    assert told == [
        ("task_enqueued", result.id, "READY"),
        ("task_started", result.id, "RUNNING"),
        ("task_finished", result.id, "SUCCESSFUL"),
    ]


def test_what_the_readme_shows_of_the_tasks_framework_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[tuple[str, str, str]]
) -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    (shown,) = re.findall(r"^```py\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    if django.VERSION < (6, 0):
        shown = shown.replace("from django.tasks import task ", "from django_tasks import task ")
    (tmp_path / "shown_in_readme.py").write_text(shown)
    monkeypatch.syspath_prepend(tmp_path)
    with testing.collected() as jobs:
        import_module("shown_in_readme")
        jobs.run_pending()
    assert [name for name, _, _ in told].count("task_enqueued") == 2
    assert [name for name, _, _ in told].count("task_finished") == 1  # the other one is for tomorrow


def test_a_failing_task_doesnt_raise_in_the_caller(told: list[tuple[str, str, str]]) -> None:
    result = inline_tasks.fail.enqueue("no such account")
    assert (str(result.status), result.is_finished) == ("FAILED", True)
    (error,) = result.errors
    assert error.exception_class is ValueError
    assert "no such account" in error.traceback
    assert [name for name, _, _ in told] == list(SIGNALS)


def test_g62_an_async_task_runs_and_is_enqueued_from_async_code(told: list[tuple[str, str, str]]) -> None:
    for result in (inline_tasks.where.enqueue(), asyncio.run(inline_tasks.where.aenqueue())):
        assert result.return_value[:2] == [1, result.id]
    assert [name for name, _, _ in told] == [*SIGNALS, *SIGNALS]


def test_a_task_of_another_backend_runs_on_this_one() -> None:
    here = inline_tasks.of_another_backend.using(backend="default")
    result = here.enqueue("words")
    assert (result.return_value, result.backend) == ("words", "default")


def test_jobs_that_wait_for_the_test_are_results_that_are_ready(told: list[tuple[str, str, str]]) -> None:
    with testing.collected() as jobs:
        result = inline_tasks.add.using(run_after=jobs.now + dt.timedelta(hours=1), priority=5).enqueue(40, 2)
        assert (str(result.status), told) == ("READY", [("task_enqueued", result.id, "READY")])
        jobs.run_pending()
        result.refresh()
        assert str(result.status) == "READY"
        jobs.advance(hours=1)
        asyncio.run(result.arefresh())
        assert (str(result.status), result.return_value, result.attempts) == ("SUCCESSFUL", 42, 1)
        assert [name for name, _, _ in told] == list(SIGNALS)
        assert asyncio.run(inline_tasks.add.aget_result(result.id)).return_value == 42


def test_a_cancelled_job_is_a_failed_result() -> None:
    with testing.collected():
        result = inline_tasks.add.enqueue(1)
        autocron.TaskResult.get(result.id).cancel()
        result.refresh()
        assert (str(result.status), result.errors[0].exception_class) == ("FAILED", autocron.TaskFailed)


def test_what_django_refuses_is_refused() -> None:
    add = inline_tasks.add
    tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    for wrong in ({"priority": 101}, {"queue_name": "none such"}, {"run_after": tomorrow.replace(tzinfo=None)}):
        with pytest.raises(Exception, match=r"priority|Queue|aware"):
            add.using(**wrong)
    with pytest.raises(TypeError, match="Unsupported type"):
        add.enqueue(object())
    with pytest.raises(TypeError, match="missing a required argument: 'first'"):
        add.enqueue()
    with pytest.raises(TaskResultDoesNotExist):
        add.get_result("00000000-0000-8000-8000-000000000000")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"retry": 3}, "did you mean 'retry_on'|retries"),
        ({"queue": "mail"}, r"\.using\(queue_name=\.\.\.\)"),
        ({"timeout": "long"}, "timeout='long'"),
    ],
)
def test_options_of_the_backend_are_checked(options: dict[str, object], words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=words) as raised:
        AutocronBackend("default", {"OPTIONS": options})
    assert "settings.TASKS['default']['OPTIONS']" in str(raised.value)


def test_the_check_misses_the_application() -> None:
    backend = AutocronBackend("default", {})
    assert list(backend.check()) == []
    with override_settings(INSTALLED_APPS=[]):
        (error,) = backend.check()
    assert error.id == "django_autocron.E002"


# -- on_commit ---------------------------------------------------------------------------------------------

calls: list[object] = []


@autocron.delay
def note(what: object) -> None:
    calls.append(what)


@pytest.fixture
def noted() -> Iterator[list[object]]:
    calls.clear()
    yield calls
    calls.clear()


def test_outside_of_a_transaction_a_call_on_commit_is_made_at_once(noted: list[object]) -> None:
    django_autocron.on_commit(note)("now")
    assert noted == ["now"]


def test_a_call_on_commit_is_made_when_the_outermost_transaction_ends(noted: list[object]) -> None:
    with transaction.atomic():
        with transaction.atomic():
            django_autocron.on_commit(note.options(priority=3))("later")
        assert noted == []
    assert noted == ["later"]


def test_a_call_on_commit_that_doesnt_fit_is_refused_at_once(noted: list[object]) -> None:
    call: Any = django_autocron.on_commit(note)  # its type says that something is missing
    with transaction.atomic():
        with pytest.raises(TypeError, match="what"):
            call()
    assert noted == []


# -- where an error's class is -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "traceback", "path"),
    [
        ("ValueError: no", "Traceback (most recent call last):\n  File\nValueError: no\n", "builtins.ValueError"),
        ("Bad: no", "Traceback …\nshop.errors.Bad: no\nmore of the message\n", "shop.errors.Bad"),
        ("Order.DoesNotExist", "Traceback …\nshop.models.Order.DoesNotExist\n", "shop.models.Order.DoesNotExist"),
        ("B: x", "a.B: x\n\nDuring handling …\n\nTraceback …\nb.B: x\n", "b.B"),
        ("TimeoutError: it took longer than 1 s", "", "builtins.TimeoutError"),
        ("its worker was ended by signal 9", "", "autocron.TaskFailed"),
    ],
)
def test_the_class_of_an_error_is_found_in_its_traceback(error: str, traceback: str, path: str) -> None:
    assert class_path(error, traceback) == path
