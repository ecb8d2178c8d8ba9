"""``pautocron`` reads the database's name from an ini file; Pyramid's tools start nothing."""

from __future__ import annotations

import pytest
from scene import Scene

PAUTOCRON = ("-W", "ignore", "-c", "import sys; from pyramid_autocron.command import main; sys.exit(main())")


def test_pautocron_is_the_command_line_of_the_database_in_the_ini_file(shop: Scene) -> None:
    uri = "development.ini?owner=Ada"
    server = shop.serve("-W", "ignore", "-m", "pyramid.scripts.pserve", "development.ini", "owner=Ada")
    assert server.result_of("look_around")
    assert shop.run(*PAUTOCRON, uri, "--set-max-workers", "3") == 0
    assert shop.rows("select value from settings where name = 'workers'") == [("3",)]
    before = len(shop.said)
    assert shop.run(*PAUTOCRON, uri, "jobs") == 0
    assert "tasks.look_around" in shop.said[before:]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ((), 2, "usage: pautocron development.ini"),
        (("--help",), 0, "usage: pautocron development.ini"),
        (("nowhere.ini", "status"), 2, "nowhere.ini can't be read: "),
        (("development.ini", "status"), 2, "development.ini can't be read: "),
        (("other.ini", "status"), 2, "other.ini has no autocron.database"),
        (("development.ini?owner=Ada", "no-such-command"), 2, "no-such-command"),
    ],
)
def test_g66_pautocron_says_what_is_wrong(shop: Scene, arguments: tuple[str, ...], status: int, words: str) -> None:
    shop.write("other.ini", "[app:main]\nuse = call:application:main\n")
    assert shop.run(*PAUTOCRON, *arguments) == status
    assert words in shop.said


@pytest.mark.parametrize("tool", ["proutes", "pviews"])
def test_g8_a_tool_of_pyramid_starts_nothing(shop: Scene, tool: str) -> None:
    words = ["/call/add"] if tool == "pviews" else []
    status = shop.run("-W", "ignore", "-c", TOOL.format(tool=tool), tool, "development.ini", *words, "owner=Ada")
    assert not shop.processes()
    assert " works " not in shop.said
    assert (status, "call" in shop.said) == (0, True), shop.said


TOOL = "import sys; sys.argv = sys.argv[1:]; from pyramid.scripts.{tool} import main; sys.path.insert(0, '.'); sys.exit(main())"
