from __future__ import annotations

from collections.abc import Iterator

import pytest
from scene import Scene, Server

APPLICATION = """
from pyramid.config import Configurator

import autocron
import tasks


def call(request):
    return getattr(tasks, request.matchdict["name"])().uuid


def job(request):
    handle = autocron.TaskResult.get(request.matchdict["uuid"])
    return {"status": handle.status, "result": handle.result, "error": handle.error_message}


def main(global_config, **settings):
    with Configurator(settings=settings) as config:
        config.include("pyramid_autocron")
        config.add_request_method(lambda request: tasks.Connection(request), "connection", reify=True)
        config.add_route("call", "/call/{name}")
        config.add_route("job", "/job/{uuid}")
        config.add_view(call, route_name="call", renderer="json")
        config.add_view(job, route_name="job", renderer="json")
        return config.make_wsgi_app()
"""

TASKS = """
import logging
import os

from pyramid.threadlocal import get_current_registry, get_current_request

import autocron


class Connection:
    def __init__(self, request):
        self.jobs = 0
        request.add_finished_callback(lambda request: print("CLOSED after", self.jobs, flush=True))


@autocron.delay
def look_around():
    request = get_current_request()
    request.connection.jobs += 1
    return {
        "pid": os.getpid(),
        "shop": request.registry.settings["shop.name"],
        "registry": get_current_registry() is request.registry,
        "url": request.route_url("job", uuid="x"),
        "jobs": request.connection.jobs,
    }


@autocron.delay
def stumble():
    get_current_request().connection.jobs = 7
    raise ValueError("no such account")


@autocron.delay
def tell():
    logging.getLogger("shop").info("sold")


@autocron.delay
async def beside_others():
    return [get_current_registry().settings["shop.name"], get_current_request() is None]
"""

INI = """
[app:main]
use = call:application:main
shop.name = %(owner)s's shop
autocron.database = shop.db
autocron.base_url = https://shop.example/en

[server:main]
use = egg:waitress#main
listen = 127.0.0.1:0

[loggers]
keys = root

[handlers]
keys = console

[formatters]
keys = plain

[logger_root]
level = INFO
handlers = console

[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = plain

[formatter_plain]
format = OUR OWN %(levelname)s %(message)s
"""


def furnish(scene: Scene) -> Scene:
    scene.write("application.py", APPLICATION)
    scene.write("tasks.py", TASKS)
    scene.write("development.ini", INI)
    return scene


@pytest.fixture
def shop(scene: Scene) -> Scene:
    """A small application with its ini file."""
    return furnish(scene)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The same, served once for a whole file of tests."""
    scene = furnish(Scene(tmp_path_factory.mktemp("served")))
    try:
        yield scene.serve("-W", "ignore", "-m", "pyramid.scripts.pserve", "development.ini", "owner=Ada")
    finally:
        scene.clear()
