"""Pyramid and autocron without an adapter. Start it with ``python application.py``."""

import os
from wsgiref.simple_server import make_server

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from utils import weigh_sources

import autocron


def hello(request: Request) -> Response:
    handle = weigh_sources()
    return Response(f"A worker weighs the sources. Ask for the result with {handle.uuid}\n")


autocron.start("the_pyramid_app.db")  # not under the guard: a real server imports this module

if __name__ == "__main__":
    with Configurator() as config:
        config.add_route("hello", "/")
        config.add_view(hello, route_name="hello")
        app = config.make_wsgi_app()
    server = make_server(os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "6543")), app)
    server.serve_forever()
