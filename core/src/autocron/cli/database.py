"""Commands about the database: ``settings``, ``backup``, ``doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autocron.cli.running import FINE, NOT_FINE, Context
from autocron.cli.shapes import finding_shape, settings_shape
from autocron.cli.terminal import Column, Terminal
from autocron.cli.words import size
from autocron.errors import ConfigurationError
from autocron.model import Settings
from autocron.operations import Operations

_MEANINGS = {
    "workers": "worker processes of each application",
    "threads": "jobs at once in each worker",
    "coroutines": "async jobs at once in each worker",
    "max_jobs": "jobs after which a worker is replaced; 0: never",
    "max_memory_mb": "megabytes above which a worker is replaced; 0: never",
    "result_ttl": "seconds that results are kept",
    "durability": "normal, or full: committed jobs survive a loss of power, too",
    "timezone": "an IANA name; empty: the machine's",
    "shutdown_grace": "seconds that a running job gets at shutdown",
    "serializer": "json or pickle",
    "autocron_lock": "on: autocron doesn't start, calls run in the caller",
}
_KINDS = {name: type(value) for name, value in Settings()._asdict().items()}


def settings(context: Context) -> int:
    changes = [_change(text) for text in context.options.changes]
    if changes:
        context.operations.change_settings(dict(changes))
    show_settings(context.terminal, context.operations)
    return FINE


def show_settings(terminal: Terminal, operations: Operations) -> None:
    found = settings_shape(operations.settings(), operations.stored_settings())
    if terminal.as_json:
        terminal.json(found)
        return
    columns = [Column("SETTING"), Column("VALUE"), Column("DEFAULT"), Column("MEANING", shrinks="right")]
    rows = [[each["name"], _text(each["value"]), _text(each["default"]), _MEANINGS.get(each["name"], "")] for each in found]
    terminal.table(columns, rows)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _change(text: str) -> tuple[str, Any]:
    """A setting and its value in the type that it has; None for its default."""
    name, equals, given = (part.strip() for part in text.partition("="))
    if not equals:
        raise ConfigurationError(f"{text!r} changes nothing: write NAME=VALUE, such as workers=4")
    if given == "default":
        return name, None
    kind = _KINDS.get(name, str)
    if kind is bool:
        if given.lower() not in ("on", "off", "true", "false"):
            raise ConfigurationError(f"{name}={given!r}: give on or off")
        return name, given.lower() in ("on", "true")
    try:
        return name, kind(given)
    except ValueError:
        return name, given  # the check of the settings says what is wrong with it


def backup(context: Context) -> int:
    target = Path(context.options.file).expanduser().absolute()
    if target.is_dir():
        raise ConfigurationError(f"{target} is a folder; give the path of a new file, such as {target / context.path.name}")
    written = context.operations.backup(target)
    context.terminal.say(
        {"database": str(context.path), "backup": str(target), "bytes": written},
        f"{target}: {size(written)}, checked. To restore it, put it in the place of {context.path} while nothing runs",
    )
    return FINE


def doctor(context: Context) -> int:
    found = context.operations.check_up()
    terminal = context.terminal
    if terminal.as_json:
        terminal.json([finding_shape(finding) for finding in found])
    else:
        wide = max(len(finding.check) for finding in found)
        for finding in found:
            level = terminal.paint(finding.level.ljust(7), finding.level)
            terminal.line(f"{level}  {finding.check.ljust(wide)}  {finding.message}")
    return NOT_FINE if any(finding.level == "problem" for finding in found) else FINE
