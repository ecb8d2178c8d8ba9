"""The application of this process as the database knows it: how workers import it, which tasks and schedules it has."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from autocron import clock, hosts
from autocron.intake import Launch, Setup
from autocron.processes.spawn import import_path, python_executable, working_folder
from autocron.tasks import main_module_name

if TYPE_CHECKING:
    from autocron.attachment import Attachment
    from autocron.declared import Declared


class Registered:
    """What the database knows of this process's application."""

    __slots__ = ("application", "launch", "schedules", "tasks")

    def __init__(self, application: int, launch: Launch, tasks: Mapping[str, str], schedules: Mapping[str, Declared]) -> None:
        self.application: int = application
        self.launch: Launch = launch
        self.tasks: Mapping[str, str] = tasks
        self.schedules: Mapping[str, Declared] = schedules

    def covers(self, launch: Launch, tasks: Mapping[str, str], schedules: Mapping[str, Declared]) -> bool:
        """Whether nothing of this would be new to it."""
        return self.launch == launch and self.tasks.keys() >= tasks.keys() and self.schedules == schedules


def register(attachment: Attachment, launch: Launch, tasks: Mapping[str, str], schedules: Mapping[str, Declared]) -> Registered:
    """Tell the database all of it. Schedules are a serving process's alone to tell."""
    now = clock.now()
    zone = attachment.store.settings().timezone or None
    scheduled = []
    if attachment.spawns:
        scheduled = [declared.scheduled(name, zone, now) for name, declared in schedules.items()]
    application = attachment.store.register(launch, tasks, scheduled, now)
    return Registered(application, launch, dict(tasks), dict(schedules))


def own_launch(tasks: Mapping[str, str], setups: Sequence[Setup]) -> Launch:
    """How workers import this application: the way this process did."""
    worker = hosts.worker()
    if worker is not None:
        return worker.launch
    main = None
    file = getattr(sys.modules["__main__"], "__file__", None)
    modules = {*tasks.values(), *(setup.module for setup in setups if setup.module)}
    if file and main_module_name() in modules:
        main = (main_module_name(), os.path.abspath(file))
    return Launch(
        executable=python_executable(),
        cwd=working_folder(),
        path=import_path(modules),
        main=main,
        setups=tuple(setups),
    )
