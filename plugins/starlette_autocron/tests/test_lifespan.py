"""The lifespan: under pytest, where tasks run in the caller, and in real processes."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asgi
import pytest
from scene import Scene
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import autocron
import starlette_autocron

STARLETTE = """
import asyncio
import contextlib
import json
import os
import sys

import autocron
import starlette_autocron
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from asgi import answer


@autocron.delay
def whoami() -> int:
    return os.getpid()


@autocron.delay
async def double(number: int) -> list[int]:
    await asyncio.sleep(0)
    return [2 * number, os.getpid()]


async def page(request):
    return JSONResponse([request.state.greeting, await whoami(), *await double(21), os.getpid()])


events = []


@contextlib.asynccontextmanager
async def mine(app):
    events.append(f"up {isinstance(autocron.get_results(), list)}")
    yield {"greeting": "hello"}
    autocron.get_results()  # still attached
    events.append("down")


app = Starlette(routes=[Route("/", page)], lifespan=starlette_autocron.lifespan("shop.db", wraps=mine, workers=1))

if __name__ == "__main__":
    print(json.dumps(asyncio.run(answer(app))))
    print(*events)
    try:
        autocron.get_results()
    except autocron.NotStartedError:
        print("detached")
"""

FASTAPI = (
    STARLETTE.replace("from starlette.applications import Starlette", "from fastapi import FastAPI, Request")
    .replace("page(request)", "page(request: Request)")
    .replace("return JSONResponse(", "return (")
    .replace("app = Starlette(routes=[Route(\"/\", page)], ", "app = FastAPI(")
    .replace("if __name__", 'app.get("/")(page)\n\nif __name__')
)  # fmt: skip


@pytest.mark.parametrize("application", [STARLETTE, FASTAPI], ids=["starlette", "fastapi"])
def test_g62_a_handler_awaits_jobs_of_workers_inside_the_wrapped_lifespan_and_its_state(scene: Scene, application: str) -> None:
    scene.write("asgi.py", Path(asgi.__file__).read_text())
    lines = scene.python("application.py", application)
    (answer,) = [json.loads(line) for line in lines if line.startswith("[")]
    greeting, worker, doubled, same_worker, server = answer
    assert (greeting, doubled, worker) == ("hello", 42, same_worker)
    assert worker != server
    assert {"up True down", "detached"} <= {*lines}
    assert scene.rows("select count(*) from jobs where state = 'done'") == [(2,)]


# -- under pytest ------------------------------------------------------------------------------------------


@autocron.delay
async def double(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


async def page(request: Request) -> JSONResponse:
    return JSONResponse(await double(21))


def test_g64_an_application_under_test_starts_nothing_and_its_jobs_have_run_when_they_are_awaited() -> None:
    app = Starlette(routes=[Route("/", page)], lifespan=starlette_autocron.lifespan("jobs.db"))
    assert asyncio.run(asgi.answer(app)) == 42


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What instances are told, in order."""
    told: list[Any] = []
    monkeypatch.setattr(autocron.Autocron, "start", lambda self, *database, **settings: told.append((database, settings)))
    monkeypatch.setattr(autocron.Autocron, "stop", lambda self: told.append("stop"))
    return told


def enter(lifespan: Any) -> None:
    async def main() -> None:
        async with lifespan(Starlette()):
            pass

    asyncio.run(main())


def test_lifespans_on_two_databases_are_one_inside_the_other(events: list[Any]) -> None:
    inner = starlette_autocron.lifespan("two.db", instance=autocron.Autocron())
    enter(starlette_autocron.lifespan("one.db", wraps=inner, workers=2))
    assert events == [(("one.db",), {"workers": 2}), (("two.db",), {}), "stop", "stop"]


def test_a_wrapped_lifespan_that_fails_leaves_nothing_started(events: list[Any]) -> None:
    @contextlib.asynccontextmanager
    async def broken(app: Starlette) -> AsyncIterator[None]:
        raise OSError("no mail server")
        yield

    with pytest.raises(OSError, match="no mail server"):
        enter(starlette_autocron.lifespan("jobs.db", wraps=broken))
    assert events == [(("jobs.db",), {}), "stop"]


@pytest.mark.parametrize(
    ("lifespan", "words"),
    [
        (starlette_autocron.lifespan("jobs.db", workers=0), "workers"),
        (starlette_autocron.lifespan("jobs.db", wrokers=1), "wrokers"),
    ],
    ids=["value", "name"],
)
def test_g66_a_wrong_setting_fails_at_start_up_with_its_name(lifespan: Any, words: str) -> None:
    with pytest.raises(autocron.ConfigurationError, match=words):
        enter(lifespan)
