from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

import autocron
import tasks


def page(request: Request) -> Response:
    return Response(tasks.answer(request.path))


def main(global_config: dict[str, str], **settings: str) -> Any:
    autocron.start(tasks.DATABASE)
    with Configurator(settings=settings) as config:
        config.add_route("page", "/*path")
        config.add_view(page, route_name="page")
        return config.make_wsgi_app()
