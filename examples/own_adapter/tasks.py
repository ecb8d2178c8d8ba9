"""What runs in workers; the adapter tells it whose job it is."""

import os

from asgi_autocron import current_application

import autocron


@autocron.delay
def greet(name: str) -> dict[str, object]:
    return {"text": f"{current_application.get().app.name} greets {name}", "pid": os.getpid()}
