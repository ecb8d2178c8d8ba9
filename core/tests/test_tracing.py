"""OpenTelemetry: spans around call and attempt where the application has set it up; nothing where it hasn't."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from types import FunctionType

import opentelemetry.trace
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from autocron import Autocron, carried, testing


def work() -> str:
    with opentelemetry.trace.get_tracer("app").start_as_current_span("inside"):
        return "worked"


async def work_async() -> str:
    return work()


def fail() -> None:
    raise ValueError("no such account")


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """An application that has configured a provider of tracers."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(opentelemetry.trace, "_TRACER_PROVIDER", provider)
    yield exporter
    provider.shutdown()


def spans(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


@pytest.mark.parametrize("function", [work, work_async])
def test_the_attempt_s_span_is_a_child_of_the_call_s(exporter: InMemorySpanExporter, function: FunctionType) -> None:
    instance = Autocron()
    with testing.collected() as jobs:
        with opentelemetry.trace.get_tracer("app").start_as_current_span("request"):
            handle = instance.delay(queue="mail")(function)()
        jobs.run_pending()
    found = spans(exporter)
    name = f"{__name__}.{function.__name__}"
    request, call, attempt, inside = (found[each] for each in ("request", f"create {name}", f"process {name}", "inside"))
    assert (call.kind, attempt.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)
    parents = [span.parent.span_id if span.parent else None for span in (call, attempt, inside)]
    contexts = [span.get_span_context() for span in (request, call, attempt)]
    assert parents == [context.span_id if context else None for context in contexts]
    assert call.attributes is not None
    assert attempt.attributes is not None
    assert call.attributes["messaging.destination.name"] == "mail"
    assert (attempt.attributes["messaging.message.id"], attempt.attributes["autocron.attempt"]) == (handle.uuid, 1)


def test_a_failed_attempt_s_span_has_the_exception(exporter: InMemorySpanExporter) -> None:
    instance = Autocron()
    with testing.collected() as jobs:
        _ = instance.delay(fail)()
        jobs.run_pending()
    span = spans(exporter)[f"process {__name__}.fail"]
    assert span.status.status_code is StatusCode.ERROR
    assert [event.name for event in span.events] == ["exception"]


def test_map_is_one_call_with_many_jobs(exporter: InMemorySpanExporter) -> None:
    instance = Autocron()
    with testing.collected() as jobs:
        _ = instance.delay(work).map([(), (), ()])
        jobs.run_pending()
    finished = [span.name for span in exporter.get_finished_spans() if span.name != "inside"]
    assert finished == [f"create {__name__}.work", *[f"process {__name__}.work"] * 3]
    assert len({span.context.trace_id for span in exporter.get_finished_spans() if span.context}) == 1


def test_without_a_provider_nothing_travels(exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch) -> None:
    with opentelemetry.trace.get_tracer("app").start_as_current_span("request"):
        assert "traceparent" in carried.captured("json", "app.work")
        monkeypatch.setattr(opentelemetry.trace, "_TRACER_PROVIDER", None)
        assert carried.captured("json", "app.work") == ""


def test_who_does_not_use_it_does_not_import_it() -> None:
    code = """
import os, sys
os.environ["AUTOCRON_DISABLE"] = "1"
import autocron
assert autocron.delay(os.getpid)().wait() == os.getpid()
assert not [name for name in sys.modules if name.startswith("opentelemetry")]
"""
    subprocess.run([sys.executable, "-c", code], check=True)
