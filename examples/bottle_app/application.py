"""Reports that are built in the background. Start it with ``python application.py``."""

import os

from bottle import Bottle, HTTPResponse, request, response

import autocron
import bottle_autocron
import tasks

PAGE = """Reports are built by worker processes, while this server answers.

Order one:           curl -d title=Sales -d seconds=3 {url}reports
See how far it is:   curl {url}reports/<uuid>
"""

app = Bottle()
app.install(bottle_autocron.AutocronPlugin("reports.db"))


@app.get("/")
def index() -> str:
    response.content_type = "text/plain; charset=utf-8"
    return PAGE.format(url=request.url)


@app.post("/reports")
def order() -> dict[str, object]:
    try:
        title, seconds = request.params.title, float(request.params.get("seconds", 0))
    except ValueError:
        raise HTTPResponse({"error": "seconds must be a number"}, 400) from None
    if not title:
        raise HTTPResponse({"error": "give a title"}, 400)
    handle = tasks.build_report(title, seconds)
    response.status = 202
    return {"uuid": handle.uuid, "pid": os.getpid()}


@app.get("/reports/<uuid>")
def show(uuid: str) -> dict[str, object]:
    try:
        handle = autocron.TaskResult.get(uuid)
    except autocron.JobNotFoundError as error:
        raise HTTPResponse({"error": str(error)}, 404) from None
    status = handle.status  # first: the job goes on while it is looked at, but what has ended stays as it is
    return {"status": status, "result": handle.result, "error": handle.error_message, "pid": os.getpid()}


if __name__ == "__main__":
    app.run(
        host=os.environ.get("HOST", "127.0.0.1"),
        port=int(os.environ.get("PORT", "8080")),
        reloader=bool(os.environ.get("RELOAD")),
    )
