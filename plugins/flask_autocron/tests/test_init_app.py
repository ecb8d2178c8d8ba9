"""What ``init_app`` reads and refuses."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from flask_site import Site

import autocron
import flask_autocron


@pytest.mark.parametrize("again", [flask_autocron.init_app, flask_autocron.AutoCron, flask_autocron.AutoCron().init_app])
@pytest.mark.parametrize("first", [flask_autocron.init_app, flask_autocron.AutoCron, flask_autocron.AutoCron().init_app])
def test_g66_a_second_init_of_an_application_is_refused(first, again, tmp_path):
    app = Flask(__name__)
    app.config["AUTOCRON_DATABASE"] = tmp_path / "jobs.db"
    first(app)
    with pytest.raises(RuntimeError, match=r"has autocron already: call init_app\(app\) or AutoCron\(app\) once"):
        again(app)


def test_one_extension_serves_many_applications(tmp_path):
    extension = flask_autocron.AutoCron()
    for name in ("one", "two"):
        app = Flask(name)
        app.config["AUTOCRON_DATABASE"] = tmp_path / "jobs.db"
        extension.init_app(app)
        assert app.extensions["autocron"] is extension


def test_the_extension_starts_the_instance_behind_the_module_functions_or_the_one_given(tmp_path):
    app = Flask(__name__)
    app.config["AUTOCRON_DATABASE"] = tmp_path / "jobs.db"
    assert flask_autocron.init_app(app).instance is autocron.default
    mine = autocron.Autocron()
    other = Flask(__name__)
    other.config["AUTOCRON_DATABASE"] = tmp_path / "other.db"
    assert flask_autocron.AutoCron(other, instance=mine).instance is mine


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("AUTOCRON_WORKERS", 0, "workers=0"),
        ("AUTOCRON_THREADS", "2", "threads='2'"),
        ("AUTOCRON_RESULT_TTL", -1, "result_ttl=-1"),
        ("AUTOCRON_DURABILITY", "some", "durability='some'"),
        ("AUTOCRON_TIMEZONE", "Mars/Olympus", "timezone='Mars/Olympus'"),
        ("AUTOCRON_SHUTDOWN_GRACE", "long", "shutdown_grace='long'"),
        ("AUTOCRON_SERIALIZER", "xml", "serializer='xml'"),
        ("AUTOCRON_DATABASE", "", "the database must be a file's name or path"),
    ],
)
def test_g66_a_setting_that_cannot_be_is_refused_with_its_value(setting, value, words, tmp_path):
    app = Flask(__name__)
    app.config.update({"AUTOCRON_DATABASE": tmp_path / "jobs.db", setting: value})
    with pytest.raises(autocron.ConfigurationError) as raised:
        flask_autocron.init_app(app)
    assert words in str(raised.value)


SHOP = """
import flask_autocron
from flask import Flask

app = Flask(__name__)
app.config.update({settings})
flask_autocron.init_app(app)


@app.get("/")
def index():
    return "true"
"""


def test_settings_of_the_application_are_stored_in_the_database(site: Site) -> None:
    given = {
        "AUTOCRON_DATABASE": "shop.db",
        "AUTOCRON_WORKERS": 2,
        "AUTOCRON_THREADS": 3,
        "AUTOCRON_RESULT_TTL": 60,
        "AUTOCRON_DURABILITY": "full",
        "AUTOCRON_TIMEZONE": "Europe/Berlin",
        "AUTOCRON_SHUTDOWN_GRACE": 2.5,
        "AUTOCRON_SERIALIZER": "pickle",
    }
    site.write("shop.py", SHOP.format(settings=given))
    server = site.serve("-m", "flask", "--app", "shop", "run", "--port", "0")
    assert server.get("/") is True
    stored = {name: json.loads(value) for name, value in site.rows("select name, value from settings")}
    assert (
        stored | {name.removeprefix("AUTOCRON_").lower(): value for name, value in given.items() if name != "AUTOCRON_DATABASE"}
        == stored
    )

    def workers() -> int:
        return sum(" worker " in command for command in site.processes().values())

    site.wait_until(lambda: workers() == 2, "two workers are there")


def test_the_database_is_called_like_the_application_unless_it_is_named(site: Site) -> None:
    site.write("shop.py", SHOP.format(settings={}))
    server = site.serve("-m", "flask", "--app", "shop", "run", "--port", "0")
    assert server.get("/") is True
    assert site.rows("select count(*) from applications") == [(1,)]  # of ~/.autocron/shop.db


def test_g66_a_relative_name_without_a_home_fails_at_the_start_with_the_remedy(site: Site) -> None:
    site.write("shop.py", SHOP.format(settings={"AUTOCRON_DATABASE": "shop.db"}))
    status = site.run("-m", "flask", "--app", "shop", "run", "--port", "0", environment={"HOME": "/nowhere/at/all"})
    assert status != 0
    assert "give an absolute path" in site.said
    assert not site.processes()
