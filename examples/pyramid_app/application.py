"""Reports that are built in the background. Serve it with ``pserve development.ini``."""

import os
from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPBadRequest, HTTPNotFound
from pyramid.request import Request
from pyramid.response import Response

import autocron
import tasks

PAGE = """Reports are built by worker processes, while this server answers.

Order one:           curl -d title=Sales -d seconds=3 {url}/reports
See how far it is:   curl {url}/reports/<uuid>
"""


def index(request: Request) -> Response:
    return Response(PAGE.format(url=request.application_url), content_type="text/plain")


def order(request: Request) -> dict[str, object]:
    try:
        title, seconds = request.params["title"], float(request.params.get("seconds", 0))
    except (KeyError, ValueError):
        raise HTTPBadRequest("give a title, and seconds as a number if any") from None
    handle = tasks.build_report(title, seconds)
    request.response.status_code = 202
    return {"uuid": handle.uuid, "pid": os.getpid()}


def show(request: Request) -> dict[str, object]:
    try:
        handle = autocron.TaskResult.get(request.matchdict["uuid"])
    except autocron.JobNotFoundError as error:
        raise HTTPNotFound(str(error)) from None
    status = handle.status  # first: the job goes on while it is looked at, but what has ended stays as it is
    return {"status": status, "result": handle.result, "error": handle.error_message, "pid": os.getpid()}


def main(global_config: dict[str, str], **settings: str) -> Any:
    with Configurator(settings=settings) as config:
        config.include("pyramid_autocron")
        config.add_route("index", "/")
        config.add_route("reports", "/reports", request_method="POST")
        config.add_route("report", "/reports/{uuid}")
        config.add_view(index, route_name="index")
        config.add_view(order, route_name="reports", renderer="json")
        config.add_view(show, route_name="report", renderer="json")
        return config.make_wsgi_app()
