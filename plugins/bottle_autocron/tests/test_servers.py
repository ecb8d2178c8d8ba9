"""Bottle's own server, with the tasks in the main module."""

from __future__ import annotations

import pytest
from scene import Scene

APPLICATION = """
import json
import os
from wsgiref.simple_server import WSGIServer

import autocron
import bottle_autocron
from bottle import Bottle

app = Bottle()
app.install(bottle_autocron.AutocronPlugin("shop.db", workers=2))


@autocron.delay
def whoami():
    return os.getpid()


@app.get("/call/<name>")
def call(name):
    return json.dumps(globals()[name]().uuid)


@app.get("/job/<uuid>")
def job(uuid):
    handle = autocron.TaskResult.get(uuid)
    return {"status": handle.status, "result": handle.result}


class Server(WSGIServer):
    def server_activate(self):
        super().server_activate()
        print(f"on http://127.0.0.1:{self.server_port}", flush=True)


@app.get("/pid")
def pid():
    return str(os.getpid())


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=0, server_class=Server, reloader=%s)
"""


@pytest.mark.parametrize("reloader", [False, True], ids=["plain", "reloader"])
def test_g2_g9_tasks_of_the_main_module_run_in_workers_of_one_supervisor(scene: Scene, reloader: bool) -> None:
    scene.write("application.py", APPLICATION % reloader)
    server = scene.serve("application.py")
    worker = server.result_of("whoami")
    assert " worker " in scene.processes()[worker]
    assert (server.get("/pid") != server.process.pid) == reloader
    assert scene.rows("select task from jobs") == [("application.whoami",)]
    assert scene.said.count(" works ") == 1
    assert scene.rows("select value from settings where name = 'workers'") == [("2",)]


def test_g9_a_task_of_a_main_module_without_guard_is_refused_with_the_remedy(scene: Scene) -> None:
    text = APPLICATION % False
    scene.write("application.py", text[: text.index('if __name__ == "__main__":')] + "whoami()\n")
    assert scene.run("application.py") == 1
    assert 'put that part under `if __name__ == "__main__":`' in scene.said
