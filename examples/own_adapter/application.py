"""An application of no framework at all. Serve it with ``uvicorn application:app``."""

import json
from typing import Any

from asgi_autocron import AutocronMiddleware

import autocron
import tasks


class Shop:
    """``GET /greet/<name>`` calls a task, ``GET /job/<uuid>`` tells what became of it."""

    name = "the corner shop"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for moment in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{moment}.complete"})
            return
        status, answer = self.answer(*scope["path"].strip("/").partition("/")[::2])
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def answer(self, page: str, argument: str) -> tuple[int, object]:
        if page == "greet":
            return 202, {"uuid": tasks.greet(argument).uuid}
        try:
            handle = autocron.TaskResult.get(argument)
        except autocron.JobNotFoundError as error:
            return 404, {"error": str(error)}
        return 200, {"status": handle.status, "result": handle.result}


app = AutocronMiddleware(Shop(), "greetings.db", application="application:app")
