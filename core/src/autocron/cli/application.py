"""The process behind ``supervise --app``: it imports the application, registers what it has, and stays attached."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import traceback
from typing import Any

from autocron.app import Autocron, default
from autocron.errors import AutocronError, ConfigurationError
from autocron.processes.lifeline import end_with
from autocron.processes.signals import reset_signals


def main(database: str, app: str, ready: str, lifeline: str) -> int:
    """Attach, say so through the pipe ``ready``, and stay until the supervisor ends and closes ``lifeline``."""
    reset_signals()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # a service manager's TERM reaches everybody; the supervisor decides
    end_with(int(lifeline))
    sys.argv = [app]  # what the application sees; and this process serves, whatever program started it
    sys.path.insert(0, os.getcwd())
    try:
        instance = load(app)
        instance.start(database)
    except AutocronError as error:
        print(f"autocron: {app}: {error}", file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    os.write(int(ready), b"1")
    while True:
        signal.pause()


def load(app: str) -> Autocron:
    """Import ``package.module[:attribute]``, call an attribute written with ``()``; the instance that holds the tasks."""
    module_name, _, attribute = app.partition(":")
    found: Any = importlib.import_module(module_name)
    for name in filter(None, attribute.removesuffix("()").split(".")):
        try:
            found = getattr(found, name)
        except AttributeError:
            raise ConfigurationError(f"{module_name} has no attribute {attribute.removesuffix('()')!r}") from None
    if attribute.endswith("()"):
        found = found()
    return found if isinstance(found, Autocron) else default


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
