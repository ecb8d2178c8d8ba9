"""Several Flask applications in one process: each with an instance and a database of its own."""

from __future__ import annotations

from flask_site import Site

TWO = """
import autocron
import flask_autocron
from flask import Flask, current_app, jsonify

second = autocron.Autocron()

app = Flask(__name__)
app.config.update(AUTOCRON_DATABASE="shop.db", OWNER="Ada")
flask_autocron.AutoCron(app)

office = Flask(__name__)
office.config.update(AUTOCRON_DATABASE="office.db", OWNER="Eve")
flask_autocron.AutoCron(office, instance={instance})


@autocron.delay
def sell():
    return current_app.config["OWNER"]


@second.delay
def file_away():
    return [current_app.config["OWNER"], sell().uuid]


@app.get("/call/<name>")
def call(name):
    return jsonify(sell().wait(40))


@office.get("/call/<name>")
def call_office(name):
    return jsonify(file_away().wait(40))


@app.get("/job/<uuid>")
def job(uuid):
    return jsonify(autocron.Result.get(uuid).wait(40))
"""

SERVE = """
from two import app, office
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

server = make_server("127.0.0.1", 0, DispatcherMiddleware(app, {"/office": office}), threaded=True)
print(f"Running on http://127.0.0.1:{server.port}", flush=True)
server.serve_forever()
"""


def test_g60_jobs_of_two_applications_have_each_its_own_context(site: Site) -> None:
    site.write("two.py", TWO.format(instance="second"))
    site.write("serve.py", SERVE)
    server = site.serve("serve.py")
    assert server.get("/call/sell") == "Ada"
    owner, uuid = server.get("/office/call/file_away")
    assert owner == "Eve"
    # What a job of the one calls of the other is stored there, and runs there.
    assert server.get(f"/job/{uuid}") == "Ada"
    assert site.rows("select task, state from jobs") == [("two.sell", "done")] * 2


def test_g66_a_second_application_on_the_same_instance_is_refused_with_the_remedy(site: Site) -> None:
    site.write("two.py", TWO.format(instance="autocron.default"))
    assert site.run("-c", "import two") == 1
    assert "need an Autocron() instance of their own" in site.said
