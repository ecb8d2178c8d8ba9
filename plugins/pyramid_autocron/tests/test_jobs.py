"""Jobs in real workers, which make the application as the server did."""

from __future__ import annotations

import pytest
from scene import Scene, Server

PSERVE = ("-W", "ignore", "-m", "pyramid.scripts.pserve", "development.ini", "owner=Ada")


def ran_in_a_worker(server: Server, pid: int) -> bool:
    return " worker " in server.scene.processes().get(pid, "")


@pytest.mark.parametrize("options", [(), ("--reload",)], ids=["pserve", "pserve --reload"])
def test_a_job_has_the_registry_and_a_request_of_the_application_in_the_ini_file(shop: Scene, options: tuple[str, ...]) -> None:
    server = shop.serve(*PSERVE, *options)
    facts = server.result_of("look_around")
    assert (facts["shop"], facts["registry"], facts["jobs"]) == ("Ada's shop", True, 1)
    assert facts["url"] == "https://shop.example/en/job/x"
    assert ran_in_a_worker(server, facts["pid"])
    # Each job has a request of its own, and what was left to be done after it has been done.
    assert server.result_of("look_around")["jobs"] == 1
    shop.wait_until(lambda: shop.said.count("CLOSED after 1\n") == 2, "both requests are finished")


def test_what_is_done_after_a_request_is_done_after_a_failed_job(shop: Scene) -> None:
    server = shop.serve(*PSERVE)
    assert server.job_after("stumble")["error"] == "ValueError: no such account"
    shop.wait_until(lambda: "CLOSED after 7\n" in shop.said, "the request is finished")


def test_an_async_job_has_the_registry_and_no_request_that_could_be_another_jobs(shop: Scene) -> None:
    server = shop.serve(*PSERVE)
    assert server.result_of("beside_others") == ["Ada's shop", True]


def test_g61_a_job_logs_as_the_ini_file_says(shop: Scene) -> None:
    shop.write(
        "tasks.py", "import logging\nimport autocron\n\n@autocron.delay\ndef tell(): logging.getLogger('shop').info('sold')\n"
    )
    shop.write("application.py", (shop.folder / "application.py").read_text().replace("tasks.Connection", "str"))
    server = shop.serve(*PSERVE)
    assert server.job_after("tell")["status"] == "done"
    shop.wait_until(lambda: "OUR OWN INFO sold\n" in shop.said, "the line is there")


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


@pytest.mark.parametrize(
    ("app", "error"),
    [
        ("application:main", "autocron.app = application:main is neither a Pyramid application nor a function"),
        ("application:nothing", "'application' has no attribute 'nothing'"),
    ],
)
def test_g30_g66_a_job_waits_and_says_why_when_workers_cannot_make_the_application(shop: Scene, app: str, error: str) -> None:
    shop.write("program.py", PROGRAM % app)
    server = shop.serve("-W", "ignore", "program.py")
    job = server.job_after("look_around", settled=lambda job: job["status"] == "waiting" and job["error"] != "")
    assert error in job["error"]


def test_g66_without_a_way_to_make_the_application_the_start_warns_and_names_the_setting(shop: Scene) -> None:
    shop.write("program.py", (PROGRAM % "").replace(", \"autocron.app\": ''", ""))
    shop.write("tasks.py", "import autocron\n\n@autocron.delay\ndef plain(): return 'done without'\n")
    shop.write("application.py", (shop.folder / "application.py").read_text().replace("tasks.Connection", "str"))
    server = shop.serve("-W", "ignore", "program.py")
    assert server.result_of("plain") == "done without"
    assert "set autocron.app to a package.module:name" in shop.said
