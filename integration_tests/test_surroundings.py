"""Where servers are started by something that isn't a shell: no home, no Python, no folder, no signals."""

from __future__ import annotations

import json
import shutil
import signal
import sys

import pytest

from integration_tests.harness import Ground, Server, Shop, jobs
from integration_tests.harness.shops import APPS

TASKS = """
import os, subprocess, sys
import autocron

@autocron.delay
def where():
    return {"cwd": os.getcwd(), "executable": sys.executable}

@autocron.delay
def status_of_a_child():
    return subprocess.run(["false"]).returncode
"""

SCRIPT = """
import sys, os
import autocron, tasks

if __name__ == "__main__":
    {before}
    autocron.start({database})
    {after}
    print("WHERE", tasks.where().wait(60))
"""


@pytest.mark.parametrize("name", ["/usr/sbin/uwsgi", "", None])
def test_g10_workers_start_where_the_executable_is_no_python(ground: Ground, name: str | None) -> None:
    ground.write("tasks.py", TASKS)
    said = ground.python(SCRIPT.format(before=f"sys.executable = {name!r}", database='"shop.db"', after=""))
    assert "WHERE" in said
    assert sys.prefix in said.split("WHERE", 1)[1]  # the same environment: it holds the application's packages


def test_g10_workers_start_without_a_home_folder(ground: Ground) -> None:
    ground.write("tasks.py", TASKS)
    path = ground.home / "shop.db"
    script = SCRIPT.format(before="", database=repr(str(path)), after="")
    assert "WHERE" in ground.python(script, environment={"HOME": None, "USER": None, "LOGNAME": None})


def test_g10_a_name_without_a_home_folder_is_an_error_that_asks_for_an_absolute_path(ground: Ground) -> None:
    script = ground.write("script.py", "import autocron\nautocron.start('shop.db')\n")
    ended = ground.run([sys.executable, str(script)], environment={"HOME": None})
    assert ended.returncode == 1
    assert "absolute path" in ended.stdout
    assert not ground.processes()


def test_g10_workers_start_from_another_folder_than_the_one_of_the_code(ground: Ground) -> None:
    ground.write("tasks.py", TASKS)
    elsewhere = ground.home / "elsewhere"
    elsewhere.mkdir()
    script = ground.write("script.py", SCRIPT.format(before="", database='"shop.db"', after=""))
    ended = ground.run([sys.executable, str(script)], cwd=elsewhere)
    assert ended.returncode == 0, ended.stdout
    assert f"'cwd': '{elsewhere}'" in ended.stdout


def test_g10_workers_find_the_code_after_the_web_process_has_changed_its_folder(ground: Ground) -> None:
    ground.write("tasks.py", TASKS)
    ground.write("main.py", SCRIPT.format(before="os.chdir('/')", database='"shop.db"', after=""))
    ended = ground.run([sys.executable, "-m", "main"])
    assert ended.returncode == 0, ended.stdout
    assert "WHERE" in ended.stdout


def test_g10_workers_find_the_code_behind_a_relative_entry_of_the_path(ground: Ground) -> None:
    """uvicorn puts an empty entry on the path, uWSGI a dot; what they mean changes with the folder."""
    ground.write("tasks.py", TASKS)
    ground.write("server.py", SCRIPT.format(before="os.chdir('/')", database='"shop.db"', after=""))
    ended = ground.run(
        [sys.executable, "-c", "import sys; sys.path[0] = ''; import runpy; runpy.run_module('server', {}, '__main__')"]
    )
    assert ended.returncode == 0, ended.stdout
    assert "WHERE" in ended.stdout


@pytest.mark.parametrize("moment", ["before", "after"])
def test_g10_workers_start_when_the_folder_of_the_web_process_has_been_deleted(ground: Ground, moment: str) -> None:
    ground.write("tasks.py", TASKS)
    elsewhere = ground.home / "deleted"
    elsewhere.mkdir()
    places = {"before": "", "after": "", moment: f"os.rmdir({str(elsewhere)!r})"}
    script = ground.write("script.py", SCRIPT.format(database='"shop.db"', **places))
    ended = ground.run([sys.executable, str(script)], cwd=elsewhere)
    assert ended.returncode == 0, ended.stdout
    assert "WHERE" in ended.stdout


def test_g10_a_deployment_that_replaces_the_folder_of_the_code_leaves_the_supervisor_working(ground: Ground) -> None:
    shop = Shop(ground, "flask run")
    assert shop.result(shop.call("/call/version")) == '"first"'
    shutil.rmtree(ground.code)
    ground.code.mkdir()
    ground.copy(APPS)
    (worker,) = ground.workers()
    worker.kill()  # its successor has to find the new folder
    assert shop.result(shop.call("/call/version")) == '"first"'
    assert len(ground.supervisors_ever()) == 1


@pytest.mark.parametrize("ignored", ["TERM", "INT", "CHLD", "HUP", "TERM INT CHLD HUP QUIT PIPE"])
def test_g10_workers_work_where_signals_are_inherited_as_ignored(ground: Ground, ignored: str) -> None:
    ground.copy(APPS)
    server = Server(
        ground,
        lambda port: [
            "/bin/sh",
            "-c",
            f"trap '' {ignored}; exec {sys.executable} -m flask --app flask_app run --port {port}",
        ],
        environment={"GROUND": str(ground.home)},
    )
    shop_result(ground, server, "/call/status_of_a_child", "1")
    shop_result(ground, server, "/call/deaf_to", "[]")
    shop_result(ground, server, "/call/version", '"first"')
    supervisor = ground.wait_for_one_supervisor()
    supervisor.send(signal.SIGTERM)  # it isn't deaf: it ends, and the server has another one
    ground.wait_until(lambda: not supervisor.is_there(), "the supervisor ends on TERM")
    shop_result(ground, server, "/call/version", '"first"')
    server.end(signal.SIGKILL)
    assert ground.wait_until_nobody_is_left() < 8


def shop_result(ground: Ground, server: Server, page: str, expected: str) -> None:
    uuid = server.call(page)
    database = ground.database("shop.db")
    row = ground.wait_until(
        lambda: (row := jobs.job(database, uuid))["state"] in ("done", "error") and row, f"the job of {page} has ended"
    )
    assert (row["state"], row["result"]) == ("done", expected), row


def test_g10_blocked_signals_are_not_inherited(ground: Ground) -> None:
    ground.write(
        "tasks.py",
        "import autocron, signal\n\n@autocron.delay\ndef blocked():\n"
        "    return sorted(int(n) for n in signal.pthread_sigmask(signal.SIG_BLOCK, []))\n",
    )
    said = ground.python(
        """
        import signal
        import autocron, tasks

        if __name__ == "__main__":
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR1])
            autocron.start("shop.db")
            print("BLOCKED", tasks.blocked().wait(60))
        """
    )
    assert "BLOCKED []" in said


def test_g10_the_library_is_not_shadowed_by_modules_of_the_application(ground: Ground) -> None:
    """An application may have a queue.py or logging.py of its own, in the folder where it is started."""
    ground.write("tasks.py", TASKS)
    for name in ("signal", "queue", "select", "selectors", "socket", "json", "site"):
        ground.write(f"{name}.py", f"raise RuntimeError({json.dumps(name)})\n")
    elsewhere = ground.home / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "tasks.py").write_text(TASKS)
    script = elsewhere / "script.py"
    script.write_text(SCRIPT.format(before="", database='"shop.db"', after=""))
    ended = ground.run([sys.executable, str(script)])  # started in the folder of the shadows
    assert ended.returncode == 0, ended.stdout
    assert "WHERE" in ended.stdout
