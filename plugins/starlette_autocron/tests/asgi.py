"""One request to an ASGI application inside its lifespan. Starlette's test client wants a package that changed its name."""

from __future__ import annotations

import json
from typing import Any


async def answer(app: Any) -> Any:
    """The JSON that ``GET /`` is answered with, by an application that has started and ends afterwards."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async with app.router.lifespan_context(app) as state:
        scope: dict[str, Any] = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/",
            "raw_path": b"/",
        }
        scope |= {"root_path": "", "query_string": b"", "headers": [], "server": ("shop", 80), "state": dict(state or {})}
        await app(scope, receive, send)
    assert sent[0]["status"] == 200, sent
    return json.loads(b"".join(message.get("body", b"") for message in sent))
