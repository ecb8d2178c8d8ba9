"""What a worker does with a Pyramid application: make it as the web process did, and give each job a request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from pyramid.config import global_registries
from pyramid.exceptions import ConfigurationError
from pyramid.interfaces import IRequestFactory
from pyramid.paster import get_app, setup_logging
from pyramid.path import DottedNameResolver
from pyramid.registry import Registry
from pyramid.request import Request
from pyramid.scripting import prepare
from pyramid.threadlocal import manager


def setup(
    *,
    ini: str | None = None,
    name: str | None = None,
    options: Mapping[str, str] | None = None,
    app: str = "",
    base_url: str | None = None,
) -> Callable[[], AbstractContextManager[object]]:
    """The factory of what surrounds a job. ``ini`` or ``app`` say how the application is made."""
    if ini is None and (app.endswith(".ini") or ".ini#" in app):
        ini = app
    application = _of_a_module(app) if ini is None else _of_an_ini_file(ini, name, options or {})
    # What the ini file names may be a filter around the application.
    registry = getattr(application, "registry", None) or global_registries.last
    if registry is None:
        raise ConfigurationError(f"{ini or app} makes no Pyramid application")
    return lambda: _surroundings(registry, base_url)


@contextmanager
def _surroundings(registry: Registry, base_url: str | None) -> Iterator[None]:
    if _beside_others():
        # Pyramid keeps its request by thread, and these jobs share one: a request would be another job's.
        manager.push({"registry": registry, "request": None})
        try:
            yield
        finally:
            manager.pop()
        return
    make_request = registry.queryUtility(IRequestFactory, default=Request)
    request = make_request.blank("/", base_url=base_url)
    with prepare(request=request, registry=registry):
        yield


def _beside_others() -> bool:
    """Whether this job is an ``async def`` one, in an event loop with others."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _of_an_ini_file(ini: str, name: str | None, options: Mapping[str, str]) -> Any:
    given = {**options, "__script__": "autocron"}
    setup_logging(ini, given)  # as pserve does, before it
    return get_app(ini, name, given)


def _of_a_module(dotted: str) -> Any:
    found: Any = DottedNameResolver(None).resolve(dotted)
    if hasattr(found, "registry"):
        return found
    try:
        return found()
    except TypeError as error:
        raise ConfigurationError(
            f"autocron.app = {dotted} is neither a Pyramid application nor a function that makes one without arguments "
            f"({error}); with an ini file, write autocron.app = %(__file__)s"
        ) from error
