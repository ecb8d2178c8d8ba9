from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import autocron
import tasks


def page(request: Request) -> PlainTextResponse:
    return PlainTextResponse(tasks.answer(request.url.path))


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    autocron.start(tasks.DATABASE)
    yield


app = Starlette(routes=[Route("/{path:path}", page)], lifespan=lifespan)
