"""autocron for Starlette and FastAPI: ``Starlette(lifespan=starlette_autocron.lifespan("project.db"))``."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar, overload

import autocron

__all__ = ["lifespan"]

App = TypeVar("App")
State = TypeVar("State")


@overload
def lifespan(
    database: str | os.PathLike[str],
    *,
    wraps: None = None,
    instance: autocron.Autocron = autocron.default,
    **settings: Any,
) -> Callable[[Any], AbstractAsyncContextManager[None]]: ...
@overload
def lifespan(
    database: str | os.PathLike[str],
    *,
    wraps: Callable[[App], AbstractAsyncContextManager[State]],
    instance: autocron.Autocron = autocron.default,
    **settings: Any,
) -> Callable[[App], AbstractAsyncContextManager[State]]: ...
def lifespan(
    database: str | os.PathLike[str],
    *,
    wraps: Callable[[Any], AbstractAsyncContextManager[Any]] | None = None,
    instance: autocron.Autocron = autocron.default,
    **settings: Any,
) -> Callable[[Any], AbstractAsyncContextManager[Any]]:
    """A lifespan that starts autocron with the application and detaches at its end.

    ``database`` and ``settings`` are those of ``autocron.start``. ``wraps`` is your own lifespan: it runs inside this
    one (autocron is up before it starts, and still up when it ends), and the state that it yields is passed on.
    """

    @asynccontextmanager
    async def running(app: Any) -> AsyncGenerator[Any]:
        instance.start(database, **settings)
        try:
            if wraps is None:
                yield None
            else:
                async with wraps(app) as state:
                    yield state
        finally:
            instance.stop()

    return running
