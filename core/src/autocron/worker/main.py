"""The worker's main loop: become the application, then run the jobs whose tickets it draws until none follows."""

from __future__ import annotations

import importlib
import io
import json
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Final

from autocron import attempt, hosts, locations
from autocron.attempt import AroundJob, Attempt
from autocron.current import CurrentJob
from autocron.model import Launch, Outcome, Setup
from autocron.processes import tickets
from autocron.processes.channel import BlockingChannel
from autocron.processes.lifeline import end_with
from autocron.processes.locks import LockFile
from autocron.processes.signals import reset_signals
from autocron.tasks import is_async
from autocron.worker import capture
from autocron.worker.code import Code
from autocron.worker.coroutines import Coroutines
from autocron.worker.inbox import Inbox, SentJob
from autocron.worker.reporting import Reporter

logger: Final = logging.getLogger("autocron.worker")


def main(database: str, fds: Sequence[int]) -> None:
    """Run jobs until the supervisor closes the queues. ``fds``: jobs, outcomes, lifeline, two queues of tickets."""
    reset_signals()
    # A terminal's Ctrl-C and a service manager's TERM reach every process; it is the supervisor that ends workers,
    # after the grace. A handler, not SIG_IGN: what a job starts must not inherit deafness.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    for fd in fds:
        os.set_inheritable(fd, False)  # nor our pipes
    jobs_fd, outcomes_fd, lifeline, *queues = fds
    end_with(lifeline)
    LockFile.open(locations.lock_path(database)).enter_worker()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None where the server has closed it
            stream.reconfigure(line_buffering=True)
    capture.install()
    channel = BlockingChannel(jobs_fd, outcomes_fd)
    message = channel.receive()
    if message is not None:
        Worker(database, channel, queues, *message).run()
    channel.close()


class Worker:
    """One process's share of the work: ``threads`` jobs at a time, and coroutines beside them on one event loop.

    ``queues`` are the tickets of either kind.
    """

    def __init__(
        self,
        database: str,
        channel: BlockingChannel,
        queues: Sequence[int],
        launch: Launch,
        modules: Sequence[str],
        scheduled: Sequence[str],
        threads: int,
        serializer: str,
    ) -> None:
        self.database = database
        self.launch = launch
        self.modules = modules
        self.scheduled = scheduled
        self.threads = threads
        self.serializer = serializer
        self._code = Code(launch)
        self._inbox = Inbox(channel)
        self._queue, coroutines = queues
        self._coroutines = Coroutines(coroutines, self._attempt_on_loop, self._report, lambda: self._say_here(True))
        self._locks = LockFile.open(locations.lock_path(database))
        self._around: tuple[AroundJob, ...] = ()
        self._broken = ""
        self._reporter = Reporter(channel)

    def run(self) -> None:
        self._prepare()
        self._coroutines.watch()
        others = [threading.Thread(target=self._work, name=f"autocron-job-{n}") for n in range(1, self.threads)]
        for thread in others:
            thread.start()
        self._work()
        for thread in others:
            thread.join()
        self._coroutines.finish()

    def _work(self) -> None:
        """One thread's jobs, one after the other."""
        while (number := tickets.draw(self._queue)) is not None:
            if number == tickets.KNOCK:
                self._say_here(False)
            elif (job := self._inbox.take(number)) is not None:
                self._attempt(job)
            else:
                return

    def _say_here(self, concurrent: bool) -> None:
        self._reporter.send(("here", concurrent))

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
                self._code.import_if_there(module)
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
                if self._code.find(task) is None:
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
        self._code.import_module(setup.module)
        return function(sys.modules[setup.module], **keywords)

    # -- one job -------------------------------------------------------------------------------------------

    def _attempt(self, job: SentJob) -> None:
        """In this thread."""
        begun = time.perf_counter()
        self._locks.begin_job(job.job)
        prepared = self._prepared(job)
        outcome = prepared.run(self._coroutines.run) if isinstance(prepared, Attempt) else prepared
        self._locks.end_job(job.job)  # before the outcome is sent: the job may be given to another at once
        self._report(job.number, outcome, time.perf_counter() - begun)

    async def _attempt_on_loop(self, number: int) -> Outcome:
        """As a task on the event loop, where nothing may block."""
        job = self._inbox.take(number)
        if job is None:  # the supervisor has gone, and so will this process
            return Outcome(error="the supervisor has gone")
        self._locks.begin_job(job.job)
        try:
            prepared = self._prepared(job)
            if not isinstance(prepared, Attempt):
                return prepared
            if is_async(prepared.function):
                return await prepared.run_on_loop()
            import asyncio  # the task's new code isn't async any more

            return await asyncio.to_thread(prepared.run, self._coroutines.run)
        finally:
            self._locks.end_job(job.job)

    def _prepared(self, job: SentJob) -> Attempt | Outcome:
        """What shall be run; an outcome at once where the code for it isn't there."""
        if self._broken:
            return Outcome(error=self._broken, unknown=True)
        try:
            function = self._code.find(job.task)
        except BaseException as error:
            logger.error("%s can't be imported; the job waits:\n%s", job.task, _traceback_of(error))
            return Outcome(error=f"{job.task} can't be imported: {attempt.one_line(error)}", unknown=True)
        if function is None:
            return Outcome(error=f"the running code has no task {job.task}", unknown=True)
        notes = self._reporter.notes(job.number)
        return Attempt(
            CurrentJob(job.uuid, job.task, attempt=job.attempt, schedule=job.schedule, notes=notes),
            function,
            job.arguments,
            job.policy_or_default(),
            context=job.context,
            serializer=self.serializer,
            around=self._around,
            last=job.last,
        )

    def _report(self, number: int, outcome: Outcome, seconds: float = 0.0) -> None:
        self._reporter.end(number, ("outcome", number, seconds, *outcome))
        self._report_files()

    def _report_files(self) -> None:
        """Whenever there are more, tell the supervisor which files this process's code came from."""
        if (files := self._code.new_files()) is not None:
            self._reporter.send(("files", files))


def _traceback_of(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))
