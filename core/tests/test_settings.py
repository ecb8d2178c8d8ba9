"""The settings of ``start()``, and where a database may be."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from autocron.errors import ConfigurationError
from autocron.locations import database_path
from autocron.settings import checked_settings


@pytest.mark.parametrize(
    "given",
    [
        {"workers": 1},
        {"threads": 8},
        {"result_ttl": 0.0},
        {"shutdown_grace": 8.0},
        {"durability": "full"},
        {"serializer": "pickle"},
        {"timezone": "Europe/Berlin"},
        {"timezone": None},
    ],
    ids=str,
)
def test_every_setting_can_be_given(given: dict[str, Any]) -> None:
    assert checked_settings(given) == given


def test_seconds_are_stored_as_such() -> None:
    assert checked_settings({"result_ttl": 60, "timezone": ""}) == {"result_ttl": 60.0, "timezone": None}
    assert isinstance(checked_settings({"result_ttl": 60})["result_ttl"], float)


@pytest.mark.parametrize(
    "given, words",
    [
        (
            {"workers": 0},
            r"workers=0: give a whole number of worker processes, 1 or more. To run nothing, .*AUTOCRON_DISABLE=1",
        ),
        ({"workers": -1}, r"workers=-1: give a whole number"),
        ({"workers": 2.0}, r"workers=2.0: give a whole number"),
        ({"workers": "2"}, r"workers='2': give a whole number"),
        ({"workers": True}, r"workers=True: give a whole number"),
        ({"workers": 100_000}, r"workers=100000: give a whole number"),
        ({"threads": 0}, r"threads=0: give a whole number of threads per worker, 1 or more"),
        ({"result_ttl": -1}, r"result_ttl=-1: give a number of seconds, 0 or more"),
        ({"result_ttl": float("inf")}, r"result_ttl=inf: give a number of seconds"),
        ({"result_ttl": 1e13}, r"result_ttl=1\d+\.0: give a number of seconds"),
        ({"shutdown_grace": None}, r"shutdown_grace=None: give a number of seconds"),
        ({"durability": "high"}, r"durability='high': give 'normal' or 'full'"),
        ({"serializer": "yaml"}, r"serializer='yaml': give 'json' or 'pickle'"),
        ({"timezone": "Berlin"}, r"timezone='Berlin' is no time zone known here: give an IANA name such as 'Europe/Berlin'"),
        ({"timezone": "../../etc/passwd"}, r"is no time zone known here"),
        ({"timezone": 5}, r"timezone=5 is no time zone known here"),
        ({"worker": 2}, r"no setting 'worker': did you mean 'workers'\? Settings are workers, threads"),
        ({"xyz": 2}, r"no setting 'xyz': Settings are workers, threads"),
    ],
    ids=str,
)
def test_g66_a_setting_that_cannot_be_says_what_to_give(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        checked_settings(given)


# -- locations ---------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


def test_a_name_is_in_a_private_folder_of_the_home(home: Path) -> None:
    before = os.umask(0)
    try:
        assert database_path("project.db", make_folder=True) == str(home.resolve() / ".autocron" / "project.db")
    finally:
        os.umask(before)
    assert stat.S_IMODE((home / ".autocron").stat().st_mode) == 0o700
    assert database_path("project.db", make_folder=True) == database_path("project.db")


def test_who_only_looks_in_makes_no_folder(home: Path) -> None:
    database_path("project.db")
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("as_type", [str, Path])
def test_an_absolute_path_is_used_as_it_is(tmp_path: Path, as_type: type) -> None:
    assert database_path(as_type(tmp_path / "jobs.db")) == str(tmp_path.resolve() / "jobs.db")


def test_a_tilde_is_the_home(home: Path) -> None:
    assert database_path("~/jobs.db") == str(home.resolve() / "jobs.db")


def test_one_file_has_one_name(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert database_path(tmp_path / "link" / "jobs.db") == database_path(tmp_path / "real" / ".." / "real" / "jobs.db")


@pytest.mark.parametrize("home_is", ["", "relative", "/nowhere/at/all"])
def test_a_name_without_a_usable_home_says_to_give_an_absolute_path(monkeypatch: pytest.MonkeyPatch, home_is: str) -> None:
    monkeypatch.setenv("HOME", home_is)
    with pytest.raises(ConfigurationError, match=r"no usable home folder .*give an absolute path, such as start\("):
        database_path("project.db", make_folder=True)


def test_a_home_that_is_not_set_says_so_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    with pytest.raises(ConfigurationError, match="give an absolute path"):
        database_path("project.db", make_folder=True)


@pytest.mark.parametrize("make_folder", [False, True])
def test_a_missing_folder_is_an_error_that_names_it(tmp_path: Path, home: Path, make_folder: bool) -> None:
    missing = tmp_path / "not" / "there"
    with pytest.raises(ConfigurationError, match=rf"folder {missing} of the database 'jobs.db' does not exist: make it"):
        database_path(missing / "jobs.db", make_folder=make_folder)
    with pytest.raises(ConfigurationError, match=r"\.autocron/sub of the database .*does not exist"):
        database_path("sub/jobs.db", make_folder=make_folder)
    assert not missing.exists()


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"is a folder; give the path of a file in it, such as .*/autocron\.db"):
        database_path(tmp_path)


@pytest.mark.parametrize("name", ["", " ", "a\0b", None, 5, b"jobs.db"])
def test_what_can_be_no_files_name_is_refused(home: Path, name: Any) -> None:
    with pytest.raises(ConfigurationError, match="must be a file's name or path"):
        database_path(name, make_folder=True)
