"""Reports that are built in the background. Serve it with ``uvicorn application:app``."""

import os
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

import autocron
import starlette_autocron
import tasks

PAGE = """Reports are built by worker processes, while this server answers.

Order one:           curl -d title=Sales -d seconds=3 {url}reports
See how far it is:   curl {url}reports/<uuid>
"""


async def index(request: Request) -> PlainTextResponse:
    return PlainTextResponse(PAGE.format(url=request.base_url))


async def order(request: Request) -> JSONResponse:
    form = (await request.body()).decode()
    given = {**request.query_params, **dict(parse_qsl(form))}
    try:
        title, seconds = given["title"], float(given.get("seconds", 0))
    except (KeyError, ValueError):
        return JSONResponse({"error": "give a title, and seconds as a number if any"}, 400)
    handle = tasks.build_report(title, seconds)  # nothing to await: it stores a job and returns
    return JSONResponse({"uuid": handle.uuid, "pid": os.getpid()}, 202)


async def show(request: Request) -> JSONResponse:
    try:
        handle = autocron.TaskResult.get(request.path_params["uuid"])
    except autocron.JobNotFoundError as error:
        return JSONResponse({"error": str(error)}, 404)
    status = handle.status  # first: the job goes on while it is looked at, but what has ended stays as it is
    return JSONResponse({"status": status, "result": handle.result, "error": handle.error_message, "pid": os.getpid()})


app = Starlette(
    routes=[
        Route("/", index),
        Route("/reports", order, methods=["POST"]),
        Route("/reports/{uuid}", show),
    ],
    lifespan=starlette_autocron.lifespan("reports.db"),
)
