"""The worker's main loop: become the application, then run jobs until the pipe closes."""

from __future__ import annotations

import contextvars
import importlib
import importlib.util
import io
import json
import logging
import os
import signal
import sys
import sysconfig
import threading
import traceback
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from autocron import attempt, hosts, locations
from autocron.attempt import AroundJob, Attempt
from autocron.current import CurrentJob
from autocron.model import Launch, Outcome, Setup, Work
from autocron.processes.channel import BlockingChannel
from autocron.processes.lifeline import end_with
from autocron.processes.locks import LockFile
from autocron.processes.spawn import reset_signals
from autocron.tasks import functions
from autocron.worker import capture
from autocron.worker.reporting import Reporter

logger = logging.getLogger("autocron.worker")

FileState = tuple[str, int, int]
"""Path, modification time in nanoseconds, size: by it a supervisor sees that a worker's code is old."""


def main(database: Path, fds: Sequence[int]) -> None:
    """Run jobs until the supervisor closes the pipe. ``fds``: jobs, outcomes, lifeline."""
    reset_signals()
    # A terminal's Ctrl-C and a service manager's TERM reach every process; it is the supervisor that ends workers,
    # after the grace. A handler, not SIG_IGN: what a job starts must not inherit deafness.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    jobs_fd, outcomes_fd, lifeline = fds
    end_with(lifeline)
    LockFile.open(locations.lock_path(database)).enter_worker()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None where the server has closed it
            stream.reconfigure(line_buffering=True)
    capture.install()
    channel = BlockingChannel(jobs_fd, outcomes_fd)
    message = channel.receive()
    if message is not None:
        Worker(database, channel, *message).run()
    channel.close()


class Worker:
    """One process's share of the work: ``threads`` jobs at a time."""

    def __init__(
        self,
        database: Path,
        channel: BlockingChannel,
        launch: Launch,
        modules: Sequence[str],
        scheduled: Sequence[str],
        threads: int,
        serializer: str,
    ) -> None:
        self.database = database
        self.channel = channel
        self.launch = launch
        self.modules = modules
        self.scheduled = scheduled
        self.threads = threads
        self.serializer = serializer
        self._locks = LockFile.open(locations.lock_path(database))
        self._around: tuple[AroundJob, ...] = ()
        self._broken = ""
        self._reporter = Reporter(channel)
        self._modules_reported = 0
        self._runners = threading.local()

    def run(self) -> None:
        self._prepare()
        if self.threads == 1:
            while (message := self.channel.receive()) is not None:
                self._attempt(message[0])
        else:
            with ThreadPoolExecutor(self.threads, thread_name_prefix="autocron-job") as pool:
                while (message := self.channel.receive()) is not None:
                    pool.submit(self._attempt, message[0])

    def _prepare(self) -> None:
        """Become the application: its path, its folder, its setups, its modules (a framework may have to be set up first)."""
        sys.path[:] = self.launch.path
        if os.path.isdir(self.launch.cwd):
            os.chdir(self.launch.cwd)
        hosts.enter_worker(hosts.WorkerIdentity(self.database, self.launch))
        try:
            self._around = tuple(factory for setup in self.launch.setups if (factory := self._set_up(setup)))
        except BaseException as error:
            self._broken = f"the worker can't be set up: {attempt.one_line(error)}"
            logger.error("%s; jobs wait until it can:\n%s", self._broken, _traceback_of(error))
        for module in self.modules:
            try:
                self._import_if_there(module)
            except BaseException as error:
                logger.error("the module %s can't be imported; its jobs wait:\n%s", module, _traceback_of(error))
        missing = self._missing()
        self._report_files()
        if missing:
            self._reporter.send(("missing", missing))
        self._reporter.send(("ready",))

    def _missing(self) -> dict[str, str]:
        """The scheduled functions that can't be called, and why: "" for those that the code doesn't have any more."""
        missing: dict[str, str] = {}
        for task in self.scheduled:
            try:
                if self._find(task) is None:
                    missing[task] = ""
            except BaseException as error:
                missing[task] = attempt.one_line(error)
        return missing

    def _set_up(self, setup: Setup) -> AroundJob | None:
        module, _, name = setup.function.partition(":")
        function: Callable[..., AroundJob | None] = getattr(importlib.import_module(module), name)
        keywords = json.loads(setup.arguments)
        if setup.module is None:
            return function(**keywords)
        self._import(setup.module)
        return function(sys.modules[setup.module], **keywords)

    # -- one job -------------------------------------------------------------------------------------------

    def _attempt(self, work: Work) -> None:
        self._locks.begin_job(work.claim.job)
        outcome = self._outcome_of(work)
        self._locks.end_job(work.claim.job)  # before the outcome is sent: the job may be given to another at once
        self._reporter.end(work.claim, ("outcome", work.claim, outcome))
        self._report_files()

    def _outcome_of(self, work: Work) -> Outcome:
        if self._broken:
            return Outcome(error=self._broken, unknown=True)
        try:
            function = self._find(work.task)
        except BaseException as error:
            logger.error("%s can't be imported; the job waits:\n%s", work.task, _traceback_of(error))
            return Outcome(error=f"{work.task} can't be imported: {attempt.one_line(error)}", unknown=True)
        if function is None:
            return Outcome(error=f"the running code has no task {work.task}", unknown=True)
        return Attempt(
            CurrentJob(
                work.uuid,
                work.task,
                attempt=work.claim.attempt,
                schedule=work.schedule,
                notes=self._reporter.notes(work.claim),
            ),
            function,
            work.arguments,
            work.policy,
            context=work.context,
            serializer=self.serializer,
            around=self._around,
            last=work.policy.retry_delay(work.failures + 1, 0.0) is None,
        ).run(self._await)

    def _await(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run on this thread's own loop, which stays: clients and pools that a task keeps belong to a loop."""
        import asyncio  # dear, and most workers never need it

        runner: asyncio.Runner | None = getattr(self._runners, "runner", None)
        if runner is None:
            runner = self._runners.runner = asyncio.Runner()
        return runner.run(coroutine, context=contextvars.copy_context())

    # -- the application's code ----------------------------------------------------------------------------

    def _find(self, task: str) -> Callable[..., Any] | None:
        """The decorated function. Its module is imported first if that hasn't been done."""
        if task in functions:
            return functions[task]
        module = task.rpartition(".")[0]
        while module and not self._import_if_there(module):
            module = module.rpartition(".")[0]
        return functions.get(task) or _function_named(task, module)

    def _import_if_there(self, module: str) -> bool:
        try:
            self._import(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise
            return False
        return True

    def _import(self, module: str) -> None:
        if self.launch.main is None or module != self.launch.main[0]:
            importlib.import_module(module)
        elif module not in sys.modules:
            self._import_main(*self.launch.main)

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

    def _report_files(self) -> None:
        """Tell the supervisor which files this process's code came from, whenever there are more."""
        if len(sys.modules) == self._modules_reported:
            return
        self._modules_reported = len(sys.modules)
        self._reporter.send(("files", loaded_files()))


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


def _traceback_of(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))
