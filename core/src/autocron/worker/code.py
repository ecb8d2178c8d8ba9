"""The application's code in a worker: importing its modules, finding its tasks, telling which files it came from."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Callable
from typing import Any

from autocron.model import Launch
from autocron.tasks import functions

FileState = tuple[str, int, int]
"""Path, modification time in nanoseconds, size: by it a supervisor sees that a worker's code is old."""


class Code:
    """What the launch of an application leads to."""

    def __init__(self, launch: Launch) -> None:
        self._main = launch.main
        self._undecorated: dict[str, Callable[..., Any]] = {}
        self._modules_reported = 0

    def find(self, task: str) -> Callable[..., Any] | None:
        """The decorated function. Its module is imported first if that hasn't been done."""
        if (known := functions.get(task) or self._undecorated.get(task)) is not None:
            return known
        module = task.rpartition(".")[0]
        while module and not self.import_if_there(module):
            module = module.rpartition(".")[0]
        if task in functions:
            return functions[task]
        function = _function_named(task, module)
        if function is not None:
            self._undecorated[task] = function
        return function

    def import_if_there(self, module: str) -> bool:
        try:
            self.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise
            return False
        return True

    def import_module(self, module: str) -> None:
        if self._main is None or module != self._main[0]:
            importlib.import_module(module)
        elif module not in sys.modules:
            self._import_main(*self._main)

    def _import_main(self, name: str, file: str) -> None:
        """The application's main script, as a module: what is under its main guard doesn't run."""
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            raise ImportError(f"{file} can't be imported", name=name)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise

    def new_files(self) -> list[FileState] | None:
        """The files that this process's code came from; None if nothing was imported since the last call."""
        if len(sys.modules) == self._modules_reported:
            return None
        self._modules_reported = len(sys.modules)
        return loaded_files()


def _function_named(task: str, module: str) -> Callable[..., Any] | None:
    """A function that was made a task elsewhere than where it is defined: ``send = delay(mail.send)``."""
    found: Any = sys.modules.get(module)
    for name in task.removeprefix(f"{module}.").split("."):
        found = getattr(found, name, None)
    is_it = callable(found) and f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', '')}" == task
    return found if is_it else None


def loaded_files() -> list[FileState]:
    """The source files of everything imported that isn't Python's own."""
    standard = sysconfig.get_path("stdlib")
    packages = sysconfig.get_path("purelib")
    files = []
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or (file.startswith(standard) and not file.startswith(packages)):
            continue
        try:
            seen = os.stat(file)
        except OSError:
            continue
        files.append((file, seen.st_mtime_ns, seen.st_size))
    return files
