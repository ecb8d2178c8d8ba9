"""The plugin as Bottle sees it. Under pytest tasks run in the caller, so nothing is started here."""

from __future__ import annotations

import bottle
import pytest

import autocron
from bottle_autocron import AutocronPlugin


@autocron.delay
def double(number: int) -> int:
    return 2 * number


def test_it_is_a_plugin_of_api_2_that_leaves_routes_as_they_are() -> None:
    app = bottle.Bottle()
    plugin = app.install(AutocronPlugin("jobs.db"))
    assert (plugin.name, plugin.api) == ("autocron", 2)

    @app.get("/<number:int>")
    def page(number: int) -> str:
        return str(double(number).result)

    assert plugin.apply(page, None) is page
    route, arguments = app.match({"PATH_INFO": "/21", "REQUEST_METHOD": "GET"})
    assert route.call(**arguments) == "42"


@pytest.mark.parametrize("database", ["jobs.db", "other.db"])
def test_g66_a_second_install_is_refused_and_the_first_one_stays(database: str) -> None:
    app = bottle.Bottle()
    first = app.install(AutocronPlugin("jobs.db"))
    with pytest.raises(bottle.PluginError, match="has autocron already: install one AutocronPlugin, once"):
        app.install(AutocronPlugin(database))
    assert [plugin for plugin in app.plugins if isinstance(plugin, AutocronPlugin)] == [first]


def test_g66_a_setting_that_cannot_be_is_refused_by_install() -> None:
    app = bottle.Bottle()
    with pytest.raises(autocron.ConfigurationError, match="workers=0"):
        app.install(AutocronPlugin("jobs.db", workers=0))
    assert not any(isinstance(plugin, AutocronPlugin) for plugin in app.plugins)


@pytest.mark.parametrize("end", [bottle.Bottle.close, lambda app: app.uninstall(AutocronPlugin)], ids=["close", "uninstall"])
def test_the_end_of_the_application_detaches_the_instance_that_was_given(end, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, stopped = autocron.Autocron(), list[autocron.Autocron]()
    monkeypatch.setattr(autocron.Autocron, "stop", lambda self: stopped.append(self))
    app = bottle.Bottle()
    app.install(AutocronPlugin("jobs.db", instance=mine))
    end(app)
    assert stopped == [mine]
