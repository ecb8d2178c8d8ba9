"""Tornado's own server, with the tasks in the main module."""

from __future__ import annotations

import os
import time

import pytest
from scene import Scene

APPLICATION = """
import asyncio
import os

import autocron
import tornado.autoreload
import tornado.httpserver
import tornado.netutil
import tornado.process
import tornado.web
import tornado_autocron


@autocron.delay
async def whoami():
    await asyncio.sleep(0)
    return os.getpid()


class Call(tornado.web.RequestHandler):
    def get(self, name):
        self.write(f'"{globals()[name]().uuid}"')


class Job(tornado.web.RequestHandler):
    def get(self, uuid):
        handle = autocron.TaskResult.get(uuid)
        self.write({"status": handle.status, "result": handle.result})


class Wait(tornado.web.RequestHandler):
    async def get(self):
        self.write({"worker": await whoami(), "here": os.getpid()})


async def main(sockets):
    async with tornado_autocron.running("shop.db", workers=2):
        pages = [(r"/call/(.*)", Call), (r"/job/(.*)", Job), (r"/wait", Wait)]
        app = tornado.web.Application(pages, autoreload="RELOAD" in os.environ)
        tornado.httpserver.HTTPServer(app).add_sockets(sockets)
        await asyncio.Event().wait()


if __name__ == "__main__":
    sockets = tornado.netutil.bind_sockets(int(os.environ.get("PORT", "0")), "127.0.0.1")
    os.environ["PORT"] = str(sockets[0].getsockname()[1])
    print(f"on http://127.0.0.1:{os.environ['PORT']}", flush=True)
    if "PROCESSES" in os.environ:
        tornado.process.fork_processes(int(os.environ["PROCESSES"]))
    asyncio.run(main(sockets))
"""


def test_g9_g62_a_handler_awaits_an_async_task_of_the_main_module(scene: Scene) -> None:
    scene.write("application.py", APPLICATION)
    server = scene.serve("application.py")
    facts = server.get("/wait")
    assert facts["here"] == server.process.pid
    assert " worker " in scene.processes()[facts["worker"]]
    assert scene.rows("select task from jobs") == [("application.whoami",)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_g1_processes_that_were_forked_before_have_one_supervisor(scene: Scene) -> None:
    scene.write("application.py", APPLICATION)
    server = scene.serve("application.py", environment={"PROCESSES": "3"})
    serving: set[int] = set()

    def all_have_answered() -> bool:
        facts = server.get("/wait")
        assert " worker " in scene.processes()[facts["worker"]]
        serving.add(facts["here"])
        return len(serving) > 1

    scene.wait_until(all_have_answered, "two processes have answered")
    assert server.process.pid not in serving
    assert scene.said.count(" works ") == 1


def test_g2_a_reload_keeps_the_supervisor_and_its_new_code_runs(scene: Scene) -> None:
    scene.write("application.py", APPLICATION)
    server = scene.serve("application.py", environment={"RELOAD": "1"})
    assert server.get("/wait")["here"] == server.process.pid
    changed = APPLICATION.replace("return os.getpid()", "return 'new code'")

    written = 0.0

    def new_code_runs() -> bool:
        nonlocal written
        if time.monotonic() - written > 5:  # again, should the reloader have looked at the file only afterwards
            scene.write("application.py", changed)
            written = time.monotonic()
        return bool(server.get("/wait")["worker"] == "new code")

    scene.wait_until(new_code_runs, "the new code runs")
    assert scene.said.count(" works ") == 1
