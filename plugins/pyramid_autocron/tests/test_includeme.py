"""What ``config.include`` reads and refuses."""

from __future__ import annotations

import json

import pytest
from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationError
from scene import Scene

import autocron

mine = autocron.Autocron()


def make(**settings: object) -> None:
    with Configurator(settings={f"autocron.{name}": value for name, value in settings.items()}) as config:
        config.include("pyramid_autocron")
        config.make_wsgi_app()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "needs the setting autocron.database"),
        ({"database": "/tmp/x.db", "wrokers": "1"}, "there is no setting autocron.wrokers"),
        ({"database": "/tmp/x.db", "workers": "many"}, "autocron.workers = many must be int"),
    ],
)
def test_g66_a_wrong_setting_fails_at_start_up_with_its_name(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make(**settings)
    assert message in str(raised.value)


def test_g66_a_setting_that_the_core_refuses_fails_at_start_up_with_its_value() -> None:
    with pytest.raises(autocron.ConfigurationError, match="workers=0"):
        make(database="/tmp/x.db", workers="0", app="")


@pytest.mark.parametrize("given", [mine, f"{__name__}.mine"], ids=["object", "dotted name"])
def test_another_instance_than_the_default_one_is_started_if_it_is_given(
    given: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[object] = []
    monkeypatch.setattr(autocron.Autocron, "start", lambda self, *_, **__: started.append(self))
    make(database="/tmp/x.db", instance=given, app="")
    assert [isinstance(each, autocron.Autocron) and each is not autocron.default for each in started] == [True]


def test_including_it_twice_is_including_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr(autocron.Autocron, "start", lambda _, *arguments, **__: started.append(arguments))
    with Configurator(settings={"autocron.database": "/tmp/x.db", "autocron.app": ""}) as config:
        config.include("pyramid_autocron")
        config.include("pyramid_autocron")
        config.make_wsgi_app()
    assert started == [("/tmp/x.db",)]


def test_settings_of_the_ini_file_are_stored_in_the_database(shop: Scene) -> None:
    given = "autocron.workers = 2\nautocron.threads = 3\nautocron.result_ttl = 60.5\nautocron.timezone = Europe/Berlin\n"
    text = (shop.folder / "development.ini").read_text()
    shop.write("development.ini", text.replace("autocron.database = shop.db\n", "autocron.database = shop.db\n" + given))
    shop.serve("-W", "ignore", "-m", "pyramid.scripts.pserve", "development.ini", "owner=Ada")
    stored = {name: json.loads(value) for name, value in shop.rows("select name, value from settings")}
    expected = {"workers": 2, "threads": 3, "result_ttl": 60.5, "timezone": "Europe/Berlin"}
    assert stored | expected == stored
