"""An adapter for any ASGI application: ``app = AutocronMiddleware(app, "project.db", application="package.module:app")``."""

from __future__ import annotations

import importlib
import os
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any

import autocron

Message = MutableMapping[str, Any]
Application = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

current_application: ContextVar[Any] = ContextVar("current_application")
"""In a job: the application whose job it is."""


class AutocronMiddleware:
    """Starts autocron when the server starts the application, and detaches at its end.

    ``database`` and ``settings`` are those of ``autocron.start``. ``application`` says where workers find this object.
    """

    def __init__(
        self,
        app: Application,
        database: str | os.PathLike[str],
        *,
        application: str,
        instance: autocron.Autocron = autocron.default,
        **settings: Any,
    ) -> None:
        if isinstance(app, AutocronMiddleware):
            raise autocron.ConfigurationError("this application has autocron already: wrap it once")
        self.app = app
        self.database = database
        self.instance = instance
        self.settings = settings
        instance.setup_worker("asgi_autocron:setup", {"application": application})

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        """Pass everything on. The server's lifespan call lasts as long as the application is served."""
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        self.instance.start(self.database, **self.settings)
        await self.app(scope, receive, send)  # raises at once in an application that knows no lifespan: still attached
        self.instance.stop()


def setup(*, application: str) -> Callable[[], AbstractContextManager[None]]:
    """Called in each worker before its first job; what it returns is entered around every job."""
    module, _, name = application.partition(":")
    found = getattr(importlib.import_module(module), name)

    @contextmanager
    def around() -> Iterator[None]:
        token = current_application.set(found)
        try:
            yield
        finally:
            current_application.reset(token)

    return around
