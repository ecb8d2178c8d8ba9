"""Jobs in real workers: each has an application context, whatever way the application is made and served."""

from __future__ import annotations

import os

import pytest
from flask_site import Server, Site

MODULE = """
import flask_autocron
import pages
from flask import Flask

app = Flask(__name__)
app.config.update(GREETING="hello", AUTOCRON_DATABASE="shop.db")
app.register_blueprint(pages.pages)
flask_autocron.init_app(app)

if __name__ == "__main__":
    app.run(port=0)
"""

FACTORY = """
import flask_autocron
import pages
from flask import Flask

extension = flask_autocron.AutoCron()


def create_app(greeting="hello"):
    app = Flask(__name__)
    app.config.update(GREETING=greeting, AUTOCRON_DATABASE="shop.db")
    app.register_blueprint(pages.pages)
    extension.init_app(app)
    return app
"""

# Any server that imports the application and knows nothing of the `flask` command, as gunicorn does.
FOREIGN_SERVER = """
from werkzeug.serving import make_server

from {module} import {name} as made

server = make_server("127.0.0.1", 0, {application}, threaded=True)
print(f"Running on http://127.0.0.1:{{server.port}}", flush=True)
server.serve_forever()
"""


def foreign_server(site: Site, module: str, name: str, application: str = "made") -> Server:
    site.write("serve.py", FOREIGN_SERVER.format(module=module, name=name, application=application))
    return site.serve("serve.py")


def ran_in_a_worker(server: Server, seen: list[int]) -> bool:
    return len(seen) == 1 and seen[0] in server.scene.processes() and seen[0] not in (server.process.pid, os.getpid())


# What `flask --app` may be given, where the application is then, and its greeting.
NAMED = [
    ("shop", "shop.py", MODULE, "hello"),
    ("shop:app", "shop.py", MODULE, "hello"),
    ("", "app.py", MODULE, "hello"),
    ("", "wsgi.py", FACTORY, "hello"),
    ("shop", "shop.py", FACTORY, "hello"),
    ("shop:create_app('good day')", "shop.py", FACTORY, "good day"),
    ("shop.web:create_app", "shop/web.py", FACTORY, "hello"),
    ("shop", "shop/__init__.py", FACTORY, "hello"),
]

FIND = """
import sys
from flask_autocron.worker import setup

with setup(target=sys.argv[1])() as context:
    print("FOUND", context.app.name, context.app.config["GREETING"])
"""


@pytest.mark.parametrize(("app", "file", "text", "greeting"), NAMED)
def test_g60_a_worker_finds_the_application_as_the_flask_command_does(
    site: Site, app: str, file: str, text: str, greeting: str
) -> None:
    site.write(file, text)
    assert site.run("-c", FIND, app, environment={"AUTOCRON_DISABLE": "1"}) == 0, site.said
    name = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    assert f"FOUND {name} {greeting}\n" in site.said


@pytest.mark.parametrize(("app", "file", "text", "greeting"), [NAMED[2], NAMED[5]], ids=["module", "factory"])
def test_g60_flask_run_gives_a_job_the_context_of_its_application(
    site: Site, app: str, file: str, text: str, greeting: str
) -> None:
    site.write(file, text)
    named = ["--app", app] if app else []
    server = site.serve("-m", "flask", *named, "run", "--port", "0")
    facts = server.result_of("look_around")
    assert (facts["name"], facts["greeting"], facts["extension"]) == (file.removesuffix(".py"), greeting, "AutoCron")
    assert ran_in_a_worker(server, facts["seen"])


def test_g60_flask_run_with_its_reloader_gives_a_job_the_context_of_its_application(site: Site) -> None:
    site.write("shop.py", FACTORY)
    server = site.serve("-m", "flask", "--app", "shop", "run", "--debug", "--port", "0")
    facts = server.result_of("look_around")
    assert facts["name"] == "shop"
    assert ran_in_a_worker(server, facts["seen"])


def test_g60_the_application_may_be_named_by_the_environment(site: Site) -> None:
    site.write("shop.py", FACTORY)
    server = site.serve("-m", "flask", "run", "--port", "0", environment={"FLASK_APP": "shop:create_app('ahoy')"})
    assert server.result_of("look_around")["greeting"] == "ahoy"


def test_g60_a_script_with_a_main_guard_gives_a_job_the_context_of_its_application(site: Site) -> None:
    site.write("shop.py", MODULE)
    server = site.serve("shop.py")
    facts = server.result_of("look_around")
    assert (facts["name"], facts["greeting"]) == ("shop", "hello")
    assert ran_in_a_worker(server, facts["seen"])


@pytest.mark.parametrize(
    ("text", "name", "application"),
    [(MODULE, "app", "made"), (FACTORY, "create_app", "made()")],
    ids=["module", "factory"],
)
def test_g60_a_server_that_imports_the_application_gives_a_job_its_context(
    site: Site, text: str, name: str, application: str
) -> None:
    site.write("shop.py", text)
    server = foreign_server(site, "shop", name, application)
    facts = server.result_of("look_around")
    assert (facts["name"], facts["greeting"]) == ("shop", "hello")
    assert ran_in_a_worker(server, facts["seen"])


def test_g60_a_factory_with_arguments_is_told_to_workers_by_a_setting(site: Site) -> None:
    told = "app.config.update(AUTOCRON_APP=f'shop:create_app({greeting!r})', "
    site.write("shop.py", FACTORY.replace("app.config.update(", told).replace('greeting="hello"', "greeting"))
    server = foreign_server(site, "shop", "create_app", "made('good evening')")
    assert server.result_of("look_around")["greeting"] == "good evening"


# -- one context for each job ------------------------------------------------------------------------------

TOLD_AT_TEARDOWN = """
from flask import g


@app.teardown_appcontext
def tell(error):
    print("TORN DOWN", g.get("seen"), repr(error), flush=True)
"""


def test_g60_each_job_has_a_fresh_context_that_is_torn_down_after_it(site: Site) -> None:
    site.write("shop.py", MODULE + TOLD_AT_TEARDOWN)
    server = site.serve("-m", "flask", "--app", "shop", "run", "--port", "0")
    first, second = (server.result_of("look_around")["seen"] for _ in range(2))
    assert len(first) == 1
    assert first == second  # one worker, and nothing of the first job in the second's g
    site.wait_until(lambda: site.said.count(f"TORN DOWN {first} None\n") == 2, "both teardowns are told")


def test_g60_the_context_is_torn_down_with_the_error_when_a_job_fails(site: Site) -> None:
    site.write("shop.py", MODULE + TOLD_AT_TEARDOWN)
    server = site.serve("-m", "flask", "--app", "shop", "run", "--port", "0")
    job = server.job_after("stumble")
    assert (job["status"], job["error"], job["attempts"]) == ("error", "ValueError: no such account", 1)
    expected = "TORN DOWN ['stumble'] ValueError('no such account')\n"
    site.wait_until(lambda: expected in site.said, "the teardown is told of the error")
    assert server.result_of("look_around")["seen"]  # the worker is as good as before


# -- an application that can't be found --------------------------------------------------------------------


def held(job: dict[str, object]) -> bool:
    return job["status"] == "waiting" and job["error"] != ""


def test_g30_g66_a_job_waits_and_says_why_when_workers_cannot_find_the_application(site: Site) -> None:
    site.write("shop.py", FACTORY.replace("def create_app(", "def build("))
    server = foreign_server(site, "shop", "build", "made()")
    job = server.job_after("look_around", settled=held)
    assert "Failed to find Flask application or factory in module 'shop'" in job["error"]
    assert "app.config['AUTOCRON_APP'] = \"package.module:create_app()\"" in job["error"]


def test_g30_a_held_job_runs_when_the_application_can_be_found(site: Site) -> None:
    hidden = FACTORY.replace("def create_app(", "def build(")
    site.write("shop.py", hidden)
    server = foreign_server(site, "shop", "build", "made()")
    uuid = server.get("/call/look_around")
    site.wait_until(lambda: held(server.get(f"/job/{uuid}")), "the job is held")
    server.process.kill()
    server.process.wait()

    site.write("shop.py", hidden + "\n\ndef create_app():\n    return build('found')\n")
    server = foreign_server(site, "shop", "build", "made()")
    job = site.wait_until(lambda: (job := server.get(f"/job/{uuid}"))["status"] == "done" and job, "the job is done")
    assert job["result"]["greeting"] == "found"
