"""Each example of Flask-TaskX's documentation, with its import line changed and nothing else of it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from flask_site import Site

CONSTRUCTOR = """
from flask import Flask
from flask_autocron.taskx import BackgroundTaskWorker

app = Flask(__name__)
task_worker = BackgroundTaskWorker(app)
"""

INIT_APP = """
from flask import Flask
from flask_autocron.taskx import BackgroundTaskWorker

task_worker = BackgroundTaskWorker()

app = Flask(__name__)
task_worker.init_app(app)
"""

BLOCKING = INIT_APP.replace("Background", "Blocking")

CONFIGURED = """
app.config.update(
    AUTOCRON_DATABASE="shop.db",
    TASKER_ENGINE="sqlalchemy", TASKER_DRIVER="sqlite", TASKER_LOOP_INTERVAL=5, TASKER_DEBUG=app.debug,
)
"""

MAILING = """
import os

from flask import current_app
from shop import app, task_worker


def send_message(**kwargs):
    return {**kwargs, "app": current_app.name, "pid": os.getpid()}


@task_worker.define_task
def email_task(**kwargs):

    msg = send_message(**kwargs)
    return msg


@app.get("/call/email_task")
def call():
    payload = {"to": "a@b.c", "subject": "hi"}
    return f'"{email_task.apply(**payload).uuid}"'


@app.get("/job/<uuid>")
def job(uuid):
    import autocron

    handle = autocron.Result.get(uuid)
    return {"status": handle.status, "result": handle.result}
"""

RUN = """
from mailing import email_task
from shop import app, task_worker

task_worker.start()
app.run(port=0)
"""


def test_a_started_worker_beside_app_run_works_its_tasks_in_the_application_context(site: Site) -> None:
    site.write("shop.py", CONSTRUCTOR + CONFIGURED)
    site.write("mailing.py", MAILING)
    site.write("app.py", RUN)
    server = site.serve("app.py")
    message = server.result_of("email_task")
    assert {**message, "pid": 0} == {"to": "a@b.c", "subject": "hi", "app": "shop", "pid": 0}
    assert " worker " in site.processes()[message["pid"]]


def test_everything_in_one_script_without_a_main_guard_runs_under_flask_run_and_by_itself_names_the_remedy(site: Site) -> None:
    mailing = MAILING.replace("from shop import app, task_worker\n", "")
    whole = INIT_APP + CONFIGURED + mailing + "\ntask_worker.start()\napp.run(port=0)\n"
    site.write("app.py", whole)
    server = site.serve("-m", "flask", "run", "--port", "0")
    assert server.result_of("email_task")["app"] == "app"
    server.process.terminate()

    by_itself = site.serve("app.py")
    call = f"import urllib.request; urllib.request.urlopen('{by_itself.address}/call/email_task')"
    assert subprocess.run([sys.executable, "-c", call], stderr=subprocess.DEVNULL, check=False).returncode == 1
    assert "if __name__ ==" in site.said


@pytest.mark.parametrize("command", [("app.py",), ("-m", "taskx_run")], ids=["start()", "taskx run"])
def test_one_process_serves_and_another_one_does_nothing_but_work(site: Site, command: tuple[str, ...]) -> None:
    site.write("shop.py", BLOCKING + CONFIGURED)
    site.write("mailing.py", MAILING)
    site.write("serve.py", RUN.replace("task_worker.start()\n", ""))
    site.write("app.py", RUN.replace("app.run(port=0)", "raise SystemExit('start() has returned')"))
    site.write("taskx_run.py", "from flask_autocron.taskx import main\n\nmain(['run'])\n")
    working = site.start(*command, environment={"FLASK_APP": "mailing:app"} if command[0] == "-m" else None)
    site.wait_until(lambda: site.rows("select * from applications"), "the worker has started")
    server = site.serve("serve.py")
    assert server.result_of("email_task")["app"] == "shop"
    assert working.poll() is None


def test_taskx_run_without_a_task_worker_says_what_to_call(site: Site) -> None:
    site.write("app.py", "from flask import Flask\n\napp = Flask(__name__)\n")
    assert site.run("-c", "from flask_autocron.taskx import main; main(['run'])") == 1
    assert "has no task worker: call task_worker.init_app(app)" in site.said


SCHEDULES = """
from datetime import date

from shop import app, task_worker


@task_worker.define_cron_task(month='6-8,11-12', day='3rd fri', hour='0-3')
def email_task(**kwargs):
    pass


@task_worker.define_date_task(run_date=date(2009, 11, 6), args=['email@email.com'])
def once(address):
    pass


@task_worker.define_date_task(run_date="2099-11-06T08:00", args=['email@email.com'])
def once_more(address):
    pass
"""


def test_cron_and_date_tasks_are_scheduled(site: Site) -> None:
    site.write("shop.py", INIT_APP + CONFIGURED)
    site.write("mailing.py", SCHEDULES.replace("email_task", "report"))
    site.write("app.py", RUN.replace("email_task", "report"))
    site.serve("app.py")
    site.wait_until(lambda: "mailing.once_more: " in site.said, "the schedules are told")
    words = dict(site.rows("select task, words from schedules"))
    assert "on the 3rd Friday of the month in June to August, November and December" in words["mailing.report"]
    assert words["mailing.once"].startswith("Once, on Friday 6 November 2009 at 00:00")
    assert words["mailing.once_more"].startswith("Once, on Friday 6 November 2099 at 08:00")
    assert "mailing.once: " in site.said  # a date that has passed is never again
    assert "never again" in site.said


def test_g66_arguments_that_the_function_cannot_take_are_refused_at_the_decorator(site: Site) -> None:
    # As in Flask-TaskX's page: there the date task takes only keywords, and is given a positional argument.
    site.write("shop.py", INIT_APP + CONFIGURED)
    site.write("mailing.py", SCHEDULES.replace("def once(address)", "def once(**kwargs)"))
    assert site.run("-c", "import mailing") == 1
    assert "TypeError: once(): too many positional arguments" in site.said
