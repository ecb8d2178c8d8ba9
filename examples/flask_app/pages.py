"""What the browser sees. Requests only ask for work, and show how far it is."""

import os
import sqlite3
from itertools import islice
from typing import Any

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response as AnyResponse

import autocron
import database
import tasks

pages = Blueprint("pages", __name__)


@pages.get("/")
def index() -> str:
    imports = [describe(row) for row in database.imports()]
    return render_template("index.html", imports=imports, refresh=any(each["busy"] for each in imports))


@pages.post("/imports")
def upload() -> AnyResponse:
    file = request.files.get("file")
    if file is None or not file.filename:
        abort(400, "Choose a file first.")
    import_id = database.add_import(file.filename)  # committed: the worker may look for it before this request ends
    file.save(tasks.upload_path(import_id))
    job = tasks.import_prices(import_id)
    database.note_job(import_id, "import", job.uuid)
    return redirect(url_for("pages.show", import_id=import_id), 303)


@pages.get("/imports/<int:import_id>")
def show(import_id: int) -> str:
    described = describe(find(import_id))
    products = database.products_of(import_id, limit=20)
    return render_template("import.html", each=described, products=products, refresh=described["busy"])


@pages.get("/imports/<int:import_id>.json")
def show_json(import_id: int) -> Response:
    return jsonify(describe(find(import_id)))


@pages.get("/imports/<int:import_id>.csv")
def download(import_id: int) -> Response:
    row = find(import_id)
    if not tasks.upload_path(import_id).exists():
        abort(410, "This file has been discarded.")
    return send_file(tasks.upload_path(import_id), as_attachment=True, download_name=row["name"])


@pages.get("/jobs")
def jobs() -> str:
    return render_template("jobs.html", jobs=latest_jobs(), refresh=True)


@pages.get("/jobs.json")
def jobs_json() -> Response:
    return jsonify(latest_jobs())


# -- reports -----------------------------------------------------------------------------------------------


@pages.post("/reports")
def order_report() -> tuple[Response, int]:
    title, seconds = request.values.get("title"), request.values.get("seconds", 0.0, float)
    if not title:
        abort(400, "Give the report a title.")
    job = tasks.build_report(title, seconds)
    return jsonify(uuid=job.uuid, pid=os.getpid()), 202


@pages.get("/reports/<uuid>")
def show_report(uuid: str) -> Response:
    try:
        job = describe_job(autocron.Result.get(uuid))
    except autocron.JobNotFoundError:
        abort(404, "There is no such report; perhaps its time is over.")
    return jsonify(status=job["status"], result=job["result"], error=job["error"], pid=os.getpid())


# -- how far it is -----------------------------------------------------------------------------------------


def find(import_id: int) -> sqlite3.Row:
    row = database.one_import(import_id)
    if row is None:
        abort(404, "There is no such import; perhaps it has been pruned.")
    return row


def describe(row: sqlite3.Row) -> dict[str, Any]:
    """An import and the jobs that work for it."""
    work, notice, discard = (progress(row[f"{kind}_job"]) for kind in ("import", "notice", "discard"))
    return {
        "id": row["id"],
        "name": row["name"],
        "uploaded_at": row["uploaded_at"],
        "products": database.count_products(row["id"]),
        "has_file": tasks.upload_path(row["id"]).exists(),
        "import": work,
        "notice": notice,
        "discard": discard,
        "busy": any(job is not None and job["status"] in ("waiting", "running") for job in (work, notice)),
    }


def progress(uuid: str | None) -> dict[str, Any] | None:
    """What is known of a job; None if there is none (any more)."""
    if uuid is None:
        return None
    try:
        job = autocron.Result.get(uuid)
        return describe_job(job)
    except autocron.JobNotFoundError:
        return None


def describe_job(job: autocron.Result[Any]) -> dict[str, Any]:
    status = job.status  # first: the job goes on while it is looked at, but what has ended stays as it is
    return {
        "uuid": job.uuid,
        "task": job.task,
        "status": str(status),
        "attempts": job.attempts,
        "result": job.result,
        "error": job.error_message,
        "run_at": job.run_at.isoformat(),
        "started_at": job.started_at.isoformat() if job.started_at else None,
        "finished_at": job.finished_at.isoformat() if job.finished_at else None,
    }


def latest_jobs() -> list[dict[str, Any]]:
    jobs = (job for job in autocron.get_results() if job.task != "tasks.heartbeat")
    return [describe_job(job) for job in islice(jobs, 50)]
