"""``explain``: cron expressions in words, and their next runs. Needs no database."""

from __future__ import annotations

import sys
from typing import Any

from autocron import schedules
from autocron.cli.running import FINE, NOT_FINE, Context
from autocron.errors import ConfigurationError, ScheduleError
from autocron.schedules.moments import read_moment


def explain(context: Context) -> int:
    options = context.options
    expressions = [line.strip() for line in sys.stdin] if options.expression == ["-"] else [" ".join(options.expression)]
    explanations = [
        schedules.explain(
            expression, dialect=options.dialect, timezone=options.timezone, start=_start(options), count=options.count
        )
        for expression in expressions
        if expression
    ]
    if context.terminal.as_json:
        context.terminal.json(explanations)
    else:
        for number, explanation in enumerate(explanations):
            if number:
                context.terminal.line()
            _show(context, explanation)
    return NOT_FINE if any("error" in explanation for explanation in explanations) else FINE


def _start(options: Any) -> int | None:
    if options.start is None:
        return None
    try:
        return read_moment(options.start, options.timezone or schedules.system_timezone(), "--from")
    except ScheduleError as error:
        raise ConfigurationError(str(error)) from None


def _show(context: Context, explanation: dict[str, Any]) -> None:
    terminal = context.terminal
    terminal.line(terminal.paint(explanation["expression"], "bold"))
    if "error" in explanation:
        terminal.line(f"  {terminal.paint('error', 'red')}: {explanation['error']}")
        return
    terminal.line(f"  {explanation['words']}")
    for run in explanation["runs"]:
        terminal.line(f"  {run}")
    if not explanation["runs"]:
        terminal.line("  never again")
    if "warning" in explanation:
        terminal.line(f"  {terminal.paint('warning', 'yellow')}: {explanation['warning']}")
