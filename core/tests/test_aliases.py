"""Names that a task had before."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from autocron import tasks
from autocron.app import Autocron
from autocron.errors import ConfigurationError, TaskDefinitionError


@pytest.fixture
def app() -> Iterator[Autocron]:
    functions, aliases = dict(tasks.functions), dict(tasks._aliases)
    tasks.functions.clear()  # other tests may have used the same names
    tasks._aliases.clear()
    yield Autocron()
    tasks.functions.clear()
    tasks.functions.update(functions)
    tasks._aliases.clear()
    tasks._aliases.update(aliases)


def module(name: str, monkeypatch: pytest.MonkeyPatch, **functions: str) -> Any:
    """An importable module with these functions; each returns its text."""
    made = ModuleType(name)
    for function, text in functions.items():
        exec(f"def {function}(): return {text!r}", made.__dict__)
    monkeypatch.setitem(sys.modules, name, made)
    return made


def test_g30_a_job_stored_under_a_former_name_finds_the_function(app: Autocron, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = module("shop", monkeypatch, send="sent")
    task = app.delay(aliases=["old.mail.send", "older.send"])(shop.send)
    assert task.name == "shop.send"
    for name in ("shop.send", "old.mail.send", "older.send"):
        assert tasks.functions[name]() == "sent"
    assert {name: app._tasks[name] for name in ("shop.send", "old.mail.send", "older.send")} == dict.fromkeys(
        ("shop.send", "old.mail.send", "older.send"), "shop"
    )


def test_an_alias_may_not_be_the_name_of_another_task(app: Autocron, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = module("shop", monkeypatch, send="sent", fetch="fetched", keep="kept")
    app.delay(shop.send)
    with pytest.raises(TaskDefinitionError, match=r"'shop.send' can't be an alias of shop.fetch: it is the name of a task"):
        app.delay(aliases=["shop.send"])(shop.fetch)
    app.delay(aliases=["old.name"])(shop.keep)
    with pytest.raises(TaskDefinitionError, match=r"'old.name' can't be an alias of shop.fetch: it is an alias of shop.keep"):
        app.delay(aliases=["old.name"])(shop.fetch)
    assert tasks.functions["shop.send"]() == "sent"


def test_a_task_that_gets_a_former_name_of_another_has_it_from_then_on(app: Autocron, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = module("shop", monkeypatch, send="sent")
    app.delay(aliases=["mail.send"])(shop.send)
    mail = module("mail", monkeypatch, send="sent by mail")
    app.delay(mail.send)
    assert tasks.functions["mail.send"]() == "sent by mail"


def test_a_module_that_is_loaded_again_keeps_its_aliases(app: Autocron, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("first", "second"):
        app.delay(aliases=["old.name"])(module("shop", monkeypatch, send=text).send)
    assert tasks.functions["old.name"]() == "second"


@pytest.mark.parametrize("aliases", ["old.name", [""], [5], ["."]])
def test_what_cannot_be_a_name_is_refused(app: Autocron, aliases: Any) -> None:
    with pytest.raises(ConfigurationError, match=r'aliases=.* must be a list of the names .* \["shop.mail.send"\]'):
        app.delay(aliases=aliases)
