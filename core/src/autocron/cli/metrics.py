"""``metrics``: the state of everything as numbers, for Prometheus or, as JSON, for others."""

from __future__ import annotations

from autocron.cli.running import FINE, Context
from autocron.cli.shapes import metric_shape
from autocron.operations import prometheus_text


def metrics(context: Context) -> int:
    found = context.operations.metrics()
    context.terminal.say([metric_shape(metric) for metric in found], prometheus_text(found).rstrip("\n"))
    return FINE
