"""The ``flask`` command: ``run`` serves, ``autocron`` passes through, everything else starts nothing."""

from __future__ import annotations

import json

import pytest
from flask_site import Site

SHOP = """
import autocron
import flask_autocron
import pages
import tasks
from flask import Flask

app = Flask(__name__)
app.config.update(GREETING="hello", AUTOCRON_DATABASE="shop.db")
app.register_blueprint(pages.pages)
flask_autocron.init_app(app)


@app.cli.command("order")
def order():
    print("ordered", tasks.look_around().uuid)
"""


def started_nothing(site: Site) -> bool:
    # Once started, a supervisor stays for seconds: looking right after the command's end is enough.
    return not site.processes() and " works " not in site.said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["routes"], "pages.call"),
        (["--help"], "autocron"),
        (["shell", "--help"], "shell"),
        (["run", "--help"], "--port"),
        (["autocron", "--help"], "usage: autocron"),
        (["order"], "ordered "),
    ],
    ids=" ".join,
)
def test_g8_other_commands_than_run_start_nothing(site: Site, arguments: list[str], words: str) -> None:
    site.write("shop.py", SHOP)
    status = site.run("-m", "flask", "--app", "shop", *arguments)
    assert started_nothing(site), site.evidence()
    assert (status, words in site.said) == (0, True), site.said


def test_g8_the_shell_starts_nothing(site: Site) -> None:
    site.write("shop.py", SHOP)
    site.write("startup.py", "print('UUID', __import__('tasks').look_around().uuid)\n")
    status = site.run("-m", "flask", "--app", "shop", "shell", environment={"PYTHONSTARTUP": "startup.py"})
    assert started_nothing(site), site.evidence()
    assert (status, "UUID " in site.said) == (0, True), site.said


def test_g8_a_job_ordered_by_a_command_is_run_by_the_next_server(site: Site) -> None:
    site.write("shop.py", SHOP)
    assert site.run("-m", "flask", "--app", "shop", "order") == 0
    assert site.rows("select task, state from jobs") == [("tasks.look_around", "waiting")]
    uuid = site.said.partition("ordered ")[2].split()[0]
    server = site.serve("-m", "flask", "--app", "shop", "run", "--port", "0")
    job = site.wait_until(lambda: (job := server.get(f"/job/{uuid}"))["status"] == "done" and job, "the job is done")
    assert (job["result"]["name"], job["result"]["greeting"]) == ("shop", "hello")


def test_a_job_ordered_by_a_command_is_run_by_the_server_that_is_running(site: Site) -> None:
    site.write("shop.py", SHOP)
    server = site.serve("-m", "flask", "--app", "shop", "run", "--port", "0")
    assert server.result_of("look_around")
    assert site.run("-m", "flask", "--app", "shop", "order") == 0
    uuid = site.said.partition("ordered ")[2].split()[0]
    site.wait_until(lambda: server.get(f"/job/{uuid}")["status"] == "done", "the job is done")


def test_flask_autocron_shows_and_changes_the_database_of_the_application(site: Site) -> None:
    site.write("shop.py", SHOP)
    autocron = ["-m", "flask", "--app", "shop", "autocron"]
    assert site.run("-m", "flask", "--app", "shop", "order") == 0
    assert site.run(*autocron, "--set-max-workers", "3") == 0
    assert site.rows("select value from settings where name = 'workers'") == [("3",)]

    before = len(site.said)
    assert site.run(*autocron, "jobs", "--json") == 0
    (job,) = json.loads(site.said[before:])
    assert (job["task"], job["status"]) == ("tasks.look_around", "waiting")

    before = len(site.said)
    assert site.run(*autocron) == 0
    assert str(site.database) in site.said[before:]
    assert started_nothing(site), site.evidence()


def test_flask_autocron_passes_on_what_it_is_told_and_its_exit_status(site: Site) -> None:
    site.write("shop.py", SHOP)
    status = site.run("-m", "flask", "--app", "shop", "autocron", "no-such-command", "--flag")
    assert status == 2
    assert "no-such-command" in site.said
    assert started_nothing(site), site.evidence()
