"""A shop's price lists: CSV files are uploaded here and imported by worker processes."""

import os
from pathlib import Path

from flask import Flask, Response

import database
import flask_autocron
import pages


def create_app() -> Flask:
    """The application. Every setting below can be given as a variable of the environment: SHOP_DATA, SHOP_KEEP_FILES …"""
    app = Flask(__name__)
    app.config.from_mapping(
        DATA=app.instance_path,  # the folder of everything that is stored
        KEEP_FILES=600,  # seconds that an uploaded file is kept after its import
        KEEP_IMPORTS=30,  # days until an import is pruned
        NOTIFY_URL="",  # who wants to know of new prices, if anybody
        MAX_CONTENT_LENGTH=20_000_000,
    )
    app.config.from_prefixed_env("SHOP")
    data = Path(app.config["DATA"]).absolute()
    app.config["UPLOADS"] = data / "uploads"
    app.config["UPLOADS"].mkdir(parents=True, exist_ok=True)
    app.config["SHOP_DATABASE"] = data / "shop.db"
    app.config.setdefault("AUTOCRON_DATABASE", data / "jobs.db")

    database.init_app(app)
    app.register_blueprint(pages.pages)
    app.after_request(name_the_process)
    flask_autocron.init_app(app)
    return app


def name_the_process(response: Response) -> Response:
    """Tell who answered: a server has many processes, and none of them does the imports."""
    response.headers["X-Process"] = str(os.getpid())
    return response


if __name__ == "__main__":  # while it is written: python app.py
    create_app().run(debug=True, port=int(os.environ.get("PORT", "5000")))
