"""Spans around calls and attempts, where the application uses OpenTelemetry; otherwise nothing, and nothing imported."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from autocron.current import CurrentJob

_NAME = "autocron"
_NO_SPAN = nullcontext()  # it can be entered any number of times


def _tracer() -> Any:
    """OpenTelemetry's tracer if the application has configured a provider of tracers, else None."""
    api = sys.modules.get("opentelemetry.trace")  # nobody can have configured what nobody has imported
    if api is None or isinstance(api.get_tracer_provider(), api.ProxyTracerProvider):
        return None
    return api.get_tracer(_NAME)


def call_span(task: str, queue: str, jobs: int) -> AbstractContextManager[object]:
    """A span of kind PRODUCER around the making of jobs; it is what travels with them."""
    tracer = _tracer()
    if tracer is None:
        return _NO_SPAN
    attributes = {**_described(task, "create"), "messaging.destination.name": queue, "messaging.batch.message_count": jobs}
    span: AbstractContextManager[object] = tracer.start_as_current_span(
        f"create {task}", kind=_kind("PRODUCER"), attributes=attributes
    )
    return span


def attempt_span(job: CurrentJob, headers: Mapping[str, str]) -> AbstractContextManager[object]:
    """A span of kind CONSUMER around an attempt, a child of the call's; what the attempt raises is recorded in it."""
    tracer = _tracer()
    if tracer is None:
        return _NO_SPAN
    from opentelemetry.propagate import extract

    attributes = {**_described(job.task, "process"), "messaging.message.id": job.uuid, "autocron.attempt": job.attempt}
    if job.schedule is not None:
        attributes["autocron.schedule"] = job.schedule
    parent = extract(dict(headers)) if headers else None
    span: AbstractContextManager[object] = tracer.start_as_current_span(
        f"process {job.task}", context=parent, kind=_kind("CONSUMER"), attributes=attributes
    )
    return span


def injected() -> dict[str, str]:
    """The headers of the span that is current here, in the format that the application has chosen."""
    headers: dict[str, str] = {}
    if _tracer() is not None:
        from opentelemetry.propagate import inject

        inject(headers)
    return headers


def is_active() -> bool:
    """Whether spans are made in this process."""
    return "opentelemetry.trace" in sys.modules and _tracer() is not None  # asked at every call


def _described(task: str, operation: str) -> dict[str, Any]:
    return {"messaging.system": _NAME, "messaging.operation.type": operation, "autocron.task": task}


def _kind(name: str) -> Any:
    return getattr(sys.modules["opentelemetry.trace"].SpanKind, name)
