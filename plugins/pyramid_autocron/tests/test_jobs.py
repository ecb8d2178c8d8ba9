"""Jobs in real workers, which make the application as the server did."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from pyramid.exceptions import ConfigurationError
from scene import Scene, Server

from pyramid_autocron.worker import setup

PSERVE = ("-W", "ignore", "-m", "pyramid.scripts.pserve", "development.ini", "owner=Ada")


def ran_in_a_worker(server: Server, pid: int) -> bool:
    return " worker " in server.scene.processes().get(pid, "")


def test_a_job_has_the_registry_and_a_request_of_the_application_in_the_ini_file(server: Server) -> None:
    facts = server.result_of("look_around")
    assert (facts["shop"], facts["registry"], facts["jobs"]) == ("Ada's shop", True, 1)
    assert facts["url"] == "https://shop.example/en/job/x"
    assert ran_in_a_worker(server, facts["pid"])
    # Each job has a request of its own, and what was left to be done after it has been done.
    assert server.result_of("look_around")["jobs"] == 1
    server.scene.wait_until(lambda: server.scene.said.count("CLOSED after 1\n") == 2, "both requests are finished")


def test_what_is_done_after_a_request_is_done_after_a_failed_job(server: Server) -> None:
    assert server.job_after("stumble")["error"] == "ValueError: no such account"
    server.scene.wait_until(lambda: "CLOSED after 7\n" in server.scene.said, "the request is finished")


def test_an_async_job_has_the_registry_and_no_request_that_could_be_another_jobs(server: Server) -> None:
    assert server.result_of("beside_others") == ["Ada's shop", True]


def test_g61_a_job_logs_as_the_ini_file_says(server: Server) -> None:
    assert server.job_after("tell")["status"] == "done"
    server.scene.wait_until(lambda: "OUR OWN INFO sold\n" in server.scene.said, "the line is there")


def test_under_the_reloader_it_is_the_same(shop: Scene) -> None:
    server = shop.serve(*PSERVE, "--reload")
    facts = server.result_of("look_around")
    assert (facts["shop"], facts["jobs"]) == ("Ada's shop", 1)
    assert ran_in_a_worker(server, facts["pid"])


PROGRAM = """
from wsgiref.simple_server import make_server

from application import main

SETTINGS = {"shop.name": "ours", "autocron.database": "shop.db", "autocron.app": %r}


def make_app():
    return main({}, **SETTINGS)


if __name__ == "__main__":
    server = make_server("127.0.0.1", 0, make_app())
    print(f"on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
"""


def test_without_an_ini_file_a_setting_tells_workers_what_makes_the_application(shop: Scene) -> None:
    shop.write("program.py", PROGRAM % "program:make_app")
    server = shop.serve("-W", "ignore", "program.py")
    facts = server.result_of("look_around")
    assert (facts["shop"], facts["url"]) == ("ours", "http://localhost/job/x")


def test_the_setting_may_name_an_ini_file(shop: Scene) -> None:
    shop.write("development.ini", shop.folder.joinpath("development.ini").read_text().replace("%(owner)s", "Eve"))
    shop.write("program.py", PROGRAM % "development.ini")
    server = shop.serve("-W", "ignore", "program.py")
    assert server.result_of("look_around")["shop"] == "Eve's shop"


def test_g30_g66_a_job_waits_and_says_why_when_workers_cannot_make_the_application(shop: Scene) -> None:
    shop.write("program.py", PROGRAM % "application:main")
    server = shop.serve("-W", "ignore", "program.py")
    job = server.job_after("look_around", settled=lambda job: job["status"] == "waiting" and job["error"] != "")
    assert "autocron.app = application:main is neither a Pyramid application nor a function" in job["error"]


@pytest.mark.parametrize(
    ("app", "words"),
    [
        ("os:getcwd", "os:getcwd makes no Pyramid application"),
        ("os:nothing", "nothing"),
        ("no_such_module:app", "no_such_module"),
    ],
)
def test_g66_what_is_no_application_is_named(app: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyramid_autocron.worker.global_registries", SimpleNamespace(last=None))
    with pytest.raises((ConfigurationError, ImportError), match=words):
        setup(app=app)


def test_g66_without_a_way_to_make_the_application_the_start_warns_and_names_the_setting(shop: Scene) -> None:
    shop.write("program.py", (PROGRAM % "").replace(", \"autocron.app\": ''", ""))
    shop.write("tasks.py", "import autocron\n\n@autocron.delay\ndef plain(): return 'done without'\n")
    shop.write("application.py", (shop.folder / "application.py").read_text().replace("tasks.Connection", "str"))
    server = shop.serve("-W", "ignore", "program.py")
    assert server.result_of("plain") == "done without"
    assert "set autocron.app to a package.module:name" in shop.said
