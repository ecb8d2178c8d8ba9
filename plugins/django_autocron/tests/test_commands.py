"""``manage.py``: other commands than ``runserver`` start nothing, ``check`` tells what is wrong, ``autocron`` passes through."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence

import pytest
from django_site import PATIENCE, Site

# A single process that asks for several commands: most of a command's time is Django's start.
CALLING = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
from django.core.management import ManagementUtility
for line in sys.argv[1:]:
    ManagementUtility(["any-name", *line.split()]).execute()
from shop import tasks
print("ordered", tasks.use_connection().uuid)
"""


def started_nothing(site: Site) -> bool:
    # Once started, a supervisor stays for seconds: looking right after the command's end is enough.
    return not site.processes() and " works " not in site.said


def test_g8_other_commands_start_nothing_whatever_the_program_is_called(site: Site) -> None:
    commands = ["check", "migrate --run-syncdb --verbosity 0", "makemigrations --dry-run", "showmigrations", "help"]
    status, said = site.told("-c", CALLING, *commands)
    assert started_nothing(site), site.evidence()
    assert (status, "no issues" in said, "ordered " in said) == (0, True, True), said
    assert site.rows("select task, state from jobs") == [("shop.tasks.use_connection", "waiting")]


def test_g8_djangos_own_test_runner_stores_no_jobs(site: Site) -> None:
    (site.folder / "shop" / "tests.py").write_text(
        "from shop import tasks\nfrom django.test import TestCase\n\n\nclass Tests(TestCase):\n"
        "    def test_a_call_runs_here(self):\n        assert tasks.use_connection().result['queries'] is not None\n"
        "        assert tasks.use_connection().is_ready\n"
    )
    before = site.rows("select count(*) from jobs")
    status, said = site.manage("test", "--verbosity", "0")
    assert status == 0, said
    assert site.rows("select count(*) from jobs") == before
    assert started_nothing(site), site.evidence()


def test_manage_autocron_shows_and_changes_the_database_of_the_project(site: Site) -> None:
    status, said = site.manage("autocron", "--settings=settings", "--set-max-workers", "3")
    assert status == 0, said
    assert site.rows("select value from settings where name = 'workers'") == [("3",)]
    status, said = site.manage("autocron", "settings", "--json", "--settings", "settings")
    assert status == 0, said
    assert {row["name"]: row["value"] for row in json.loads(said)}["timezone"] == "Asia/Tokyo"
    assert started_nothing(site), site.evidence()


def test_manage_autocron_passes_on_what_it_is_told_and_its_exit_status(site: Site) -> None:
    status, said = site.manage("autocron", "no-such-command", "--flag")
    assert (status, "no-such-command" in said) == (2, True), said
    status, said = site.manage("autocron", "--help")
    assert (status, "usage: autocron" in said) == (0, True), said


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("AUTOCRON = {'DATABASE': 'x.db', 'WORKER': 2}", ["'WORKER'", "did you mean 'WORKERS'?"]),
        ("del AUTOCRON", ["there is no setting AUTOCRON", "AUTOCRON = {"]),
        ("AUTOCRON = {'DATABASE': '/no/such/folder/x.db'}", ["/no/such/folder"]),
    ],
)
def test_g66_check_says_what_is_wrong_and_a_server_doesnt_start(site: Site, setting: str, words: Sequence[str]) -> None:
    (site.folder / "wrong.py").write_text(f"from settings import *\n{setting}\n")
    environment = {"DJANGO_SETTINGS_MODULE": "wrong"}
    status, said = site.manage("check", environment=environment)
    assert status == 1, said
    assert "(django_autocron.E001)" in said
    assert "Traceback" not in said
    for word in words:
        assert word in said
    status, said = site.told("-c", "import django; django.setup()", environment=environment)
    assert status == 1, said
    assert f"{words[0]}" in said.splitlines()[-1]


def test_call_command_raises_what_autocron_ends_with_unless_it_is_zero(site: Site) -> None:
    script = """
import django
from django.core.management import CommandError, call_command
django.setup()
call_command("autocron", "settings")
try:
    call_command("autocron", "show", "00000000-0000-8001-8000-000000000000")
except CommandError as error:
    print(error, error.returncode)
"""
    status, said = site.told("-c", script, environment={"DJANGO_SETTINGS_MODULE": "settings"})
    assert status == 0, said
    assert "worker processes" in said
    assert "autocron show 00000000-0000-8001-8000-000000000000: exit status 1 1" in said


def test_manage_autocron_says_which_setting_is_wrong(site: Site) -> None:
    (site.folder / "wrong.py").write_text("from settings import *\nAUTOCRON = {}\n")
    status, said = site.manage("autocron", "status", environment={"DJANGO_SETTINGS_MODULE": "wrong"})
    assert (status, "settings.AUTOCRON has no DATABASE" in said, "Traceback" in said) == (2, True, False), said


def test_manage_autocron_supervise_works_the_jobs_without_a_web_server(site: Site) -> None:
    site.start("manage.py", "autocron", "supervise")
    site.wait_until(lambda: " works " in site.said, "the supervisor says that it works")
    status, said = site.told("-c", CALLING, "migrate --run-syncdb --verbosity 0")
    assert status == 0, said
    done = "select count(*) from jobs where task = 'shop.tasks.use_connection' and state = 'done'"
    site.wait_until(lambda: site.rows(done) == [(1,)], "the job is done")


# A project in one file: it has no settings module, so workers import the file itself.
ONE_FILE = """
import sys

import django
from django.conf import settings

settings.configure(ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, DEBUG=True, INSTALLED_APPS=["django_autocron"],
                   AUTOCRON={"DATABASE": "one.db"},
                   TASKS={"default": {"BACKEND": "django_autocron.backend.AutocronBackend"}})

import autocron
from django.http import HttpResponse
from django.urls import path
from shop.framework import task


@autocron.delay
def name_of_the_setting() -> str:
    return settings.AUTOCRON["DATABASE"]


@task
def add(first: int, second: int) -> int:
    return first + second


def call(request):
    name_of_the_setting()
    return HttpResponse(add.enqueue(40, 2).id)


def result(request, id):
    result = add.get_result(id)
    return HttpResponse(result.return_value if result.is_finished else "")


urlpatterns = [path("call", call), path("result/<id>", result)]

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
"""


def test_g9_a_project_in_one_file_has_workers(site: Site) -> None:
    (site.folder / "one.py").write_text(ONE_FILE)
    site.database = site.home / ".autocron" / "one.db"
    site.serve_it("one.py")

    def page(path: str) -> str:
        with urllib.request.urlopen(f"{site.address}/{path}", timeout=PATIENCE) as answer:
            return answer.read().decode()

    uuid = page("call")
    assert site.wait_until(lambda: page(f"result/{uuid}"), "the task of Django's framework has run") == "42"
    done = "select task, result from jobs where state = 'done' order by id"
    assert site.rows(done) == [("one.name_of_the_setting", '"one.db"'), ("one.add", "42")]
