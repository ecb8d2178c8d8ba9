"""Starlette and autocron without an adapter. Start it with ``uvicorn application:app``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from utils import weigh_sources

import autocron


def homepage(request: Request) -> PlainTextResponse:
    handle = weigh_sources()
    return PlainTextResponse(f"A worker weighs the sources. Ask for the result with {handle.uuid}\n")


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    print("the application starts")
    autocron.start("the_starlette_app.db")
    yield


app = Starlette(debug=True, routes=[Route("/", homepage)], lifespan=lifespan)
