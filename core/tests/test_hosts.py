"""What kind of process this is: by its command line, its environment, and what it has imported."""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path

import pytest

from autocron import hosts
from autocron.errors import ConfigurationError
from autocron.hosts import Host
from autocron.model import Launch


@pytest.fixture
def outside_pytest(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delitem(sys.modules, "_pytest.config")
    monkeypatch.delenv("AUTOCRON_DISABLE", raising=False)
    return monkeypatch


def context(*names: str) -> types.SimpleNamespace | None:
    """click's contexts, as they are while these commands run: the first is the program."""
    found = None
    for name in names:
        found = types.SimpleNamespace(parent=found, info_name=name)
    return found


@pytest.mark.parametrize(
    "arguments, host",
    [
        (["app.py"], Host.SERVER),
        (["/srv/venv/bin/gunicorn", "app:app"], Host.SERVER),
        (["/srv/venv/bin/uvicorn", "app:app"], Host.SERVER),
        (["manage.py", "runserver"], Host.SERVER),
        (["manage.py"], Host.SERVER),
        (["manage.py", "migrate"], Host.TOOL),
        (["manage.py", "check"], Host.TOOL),
        (["/srv/manage.py", "shell"], Host.TOOL),
        (["django-admin", "makemigrations"], Host.TOOL),
        (["/venv/lib/django/__main__.py", "migrate"], Host.TOOL),
        (["/venv/bin/pshell", "dev.ini"], Host.TOOL),
        (["/venv/bin/alembic", "upgrade", "head"], Host.TOOL),
        (["/venv/bin/autocron", "x.db", "status"], Host.TOOL),
        (["/venv/autocron/__main__.py", "x.db", "status"], Host.TOOL),
        (["/usr/lib/python3.11/unittest/__main__.py"], Host.TEST),
        (["python3 -m unittest", "tests"], Host.TEST),
        (["manage.py", "test"], Host.TEST),
        (["/venv/bin/mypy", "."], Host.TOOL),
        (["/venv/lib/mypy/__main__.py", "."], Host.TOOL),
        (["/venv/bin/sphinx-build", "docs", "html"], Host.TOOL),
        (["pserve", "development.ini"], Host.SERVER),
        (["myapp/__main__.py"], Host.SERVER),
        (["-c"], Host.SERVER),
        ([""], Host.SERVER),
        ([], Host.SERVER),
    ],
    ids=str,
)
def test_g8_servers_serve_and_tools_look_in(outside_pytest: pytest.MonkeyPatch, arguments: list[str], host: Host) -> None:
    outside_pytest.setattr(sys, "argv", arguments)
    assert hosts.this_process() is host


@pytest.mark.parametrize(
    "commands, host",
    [
        (["flask", "run"], Host.SERVER),
        (["flask", "routes"], Host.TOOL),
        (["flask", "shell"], Host.TOOL),
        (["flask", "db", "upgrade"], Host.TOOL),
        (["flask", "autocron", "status"], Host.TOOL),
    ],
    ids=str,
)
@pytest.mark.parametrize("program", ["/venv/bin/flask", "/venv/lib/flask/__main__.py"])
def test_g8_flasks_commands_are_told_apart(
    outside_pytest: pytest.MonkeyPatch, program: str, commands: list[str], host: Host
) -> None:
    click = types.SimpleNamespace(get_current_context=lambda silent: context(*commands))
    outside_pytest.setitem(sys.modules, "click", click)
    outside_pytest.setattr(sys, "argv", [program, "--app", "x", *commands[1:]])
    assert hosts.this_process() is host


class ManagementUtility:
    """Has what Django's has: a method that keeps the command in a variable while it sets Django up."""

    def execute(self, subcommand: str) -> Host:
        return hosts.this_process() if subcommand else Host.DISABLED


@pytest.mark.parametrize("program", ["/venv/bin/weblate", "app.py", "/srv/manage.py"])
@pytest.mark.parametrize(
    "command, host",
    [("runserver", Host.SERVER), ("migrate", Host.TOOL), ("help", Host.TOOL), ("test", Host.TEST)],
)
def test_g8_djangos_commands_are_told_apart_whatever_the_program_is_called(
    outside_pytest: pytest.MonkeyPatch, program: str, command: str, host: Host
) -> None:
    management = types.SimpleNamespace(ManagementUtility=ManagementUtility)
    outside_pytest.setitem(sys.modules, "django.core.management", management)
    outside_pytest.setattr(sys, "argv", [program, command])
    assert ManagementUtility().execute(command) is host


def test_a_program_that_has_imported_djangos_commands_and_runs_none_serves(outside_pytest: pytest.MonkeyPatch) -> None:
    management = types.SimpleNamespace(ManagementUtility=ManagementUtility)
    outside_pytest.setitem(sys.modules, "django.core.management", management)
    outside_pytest.setattr(sys, "argv", ["/venv/bin/gunicorn", "migrate"])
    assert hosts.this_process() is Host.SERVER


@pytest.mark.parametrize("program", ["pytest", "/venv/bin/pytest", "/venv/bin/py.test", "/venv/pytest/__main__.py", "-c"])
def test_g8_a_test_run_starts_nothing(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(sys, "argv", [program])
    assert hosts.this_process() is Host.TEST


def test_g8_this_very_test_run_is_one() -> None:
    assert hosts.this_process() is Host.TEST


@pytest.mark.parametrize("value", ["1", "true", "yes", "ON", "anything"])
def test_the_environment_switches_it_off(outside_pytest: pytest.MonkeyPatch, value: str) -> None:
    outside_pytest.setenv("AUTOCRON_DISABLE", value)
    outside_pytest.setattr(sys, "argv", ["app.py"])
    assert hosts.this_process() is Host.DISABLED


@pytest.mark.parametrize("value", ["", "0", "false", "No", "OFF"])
def test_the_environment_may_say_no_to_the_switch(outside_pytest: pytest.MonkeyPatch, value: str) -> None:
    outside_pytest.setenv("AUTOCRON_DISABLE", value)
    outside_pytest.setattr(sys, "argv", ["app.py"])
    assert hosts.this_process() is Host.SERVER


def test_a_worker_is_a_worker_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "_worker", None)
    monkeypatch.setenv("AUTOCRON_DISABLE", "1")
    hosts.enter_worker(hosts.WorkerIdentity("/x.db", Launch("/py", "/", ())))
    assert hosts.this_process() is Host.WORKER


IMPORTING = """
import os, sys, threading
before = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()
files = []
sys.addaudithook(lambda event, args: files.append(args[0]) if event == "open" and "w" in str(args[1]) else None)
sys.addaudithook(lambda event, args: files.append(event) if event in ("subprocess.Popen", "os.fork", "os.posix_spawn") else None)
import autocron

@autocron.delay
def work(): ...

@autocron.cron("* 2 * * *")
def tidy(): ...

after = set(os.listdir("/proc/self/fd")) if before else set()
print(len(after) - len(before), threading.active_count(), files, sorted(m for m in sys.modules if m in ("asyncio", "multiprocessing")))
"""


def test_g11_importing_opens_no_file_starts_no_thread_and_spawns_nothing(tmp_path: Path) -> None:
    script = tmp_path / "application.py"
    script.write_text(IMPORTING + '\nif __name__ == "__main__":\n    pass\n')
    said = subprocess.run(
        [sys.executable, "-B", str(script)], capture_output=True, text=True, timeout=60, check=True, cwd=tmp_path
    ).stdout
    assert said == "0 1 [] []\n"
    assert [path.name for path in tmp_path.iterdir()] == ["application.py"]


def test_the_supervisor_is_left_to_a_service_only_by_the_word_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUTOCRON_SUPERVISOR", raising=False)
    assert hosts.starts_supervisors()
    monkeypatch.setenv("AUTOCRON_SUPERVISOR", "external")
    assert not hosts.starts_supervisors()
    monkeypatch.setenv("AUTOCRON_SUPERVISOR", "systemd")
    with pytest.raises(ConfigurationError, match="AUTOCRON_SUPERVISOR='systemd' in the environment: write external"):
        hosts.starts_supervisors()
