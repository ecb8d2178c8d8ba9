"""``Autocron``: tasks and schedules of one application, and its start on a database."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, Unpack, overload

from autocron import hosts, locations
from autocron.errors import ConfigurationError, NotStartedError, TaskDefinitionError
from autocron.hooks import Hooking
from autocron.operating import Operating
from autocron.options import Options, TaskOptions
from autocron.results import TaskResult, set_default_source
from autocron.scheduling import Scheduling
from autocron.settings import SettingsGiven, checked_settings
from autocron.tasks import (
    Request,
    Task,
    check_main_module,
    checked_aliases,
    keep_function,
    main_module_name,
    module_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from autocron.attachment import Attachment
    from autocron.declared import Declared
    from autocron.engines import StoreEngine
    from autocron.inline import InlineEngine
    from autocron.intake import Setup
    from autocron.registration import Registered

P = ParamSpec("P")
R = TypeVar("R")


class DelayDecorator(Protocol):
    """``@delay(...)`` with options: takes the function, gives the task."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Task[P, R]: ...


class Autocron(Scheduling, Hooking, Operating):
    """Tasks, schedules, and the database that they use. The module's functions are a default instance's methods.

    A second instance is for a second database in the same process.
    """

    def __init__(self) -> None:
        _instances.add(self)
        self._guard = threading.RLock()
        self._tasks: dict[str, str] = {}
        self._schedules: dict[str, Declared] = {}
        self._setups: dict[str, Setup] = {}
        self._hooks: dict[str, set[str]] = {}
        self._hook_modules: dict[str, Setup] = {}
        self._engine: StoreEngine | InlineEngine | None = None
        self._attachment: Attachment | None = None
        self._registered: Registered | None = None

    # -- start and stop ------------------------------------------------------------------------------------

    def start(self, database: str | os.PathLike[str], **settings: Unpack[SettingsGiven]) -> bool:
        """Use this database, and see to it that a supervisor works its jobs.

        ``database`` is a name (the file is in ``~/.autocron/``) or an absolute path, whose folder must exist.
        Settings are stored in the database: ``workers`` (processes, default 1), ``threads`` (jobs at once per worker,
        1), ``coroutines`` (``async`` jobs at once per worker, 100), ``max_jobs`` and ``max_memory_mb`` (a worker is
        replaced after so many jobs, or above so many megabytes; 0, the default: never), ``result_ttl`` (seconds, 1800),
        ``durability`` ("normal" | "full"), ``timezone`` (IANA name, default the system's), ``shutdown_grace`` (seconds,
        8), ``serializer`` ("json" | "pickle").

        Returns True when this call started the supervisor. It costs nothing to call it again, and it may be called
        before or after the decorators, in any thread, before a fork. In a worker, a test run, a process with
        ``AUTOCRON_DISABLE=1`` or a tool such as ``flask routes`` it starts nothing. With ``AUTOCRON_SUPERVISOR=external``
        it leaves the supervisor to the command ``supervise``.

        Raises ConfigurationError for what can't be used, StoreError when the file can't be opened.
        """
        changes = checked_settings(settings)
        if _substitutes:
            self._engine = _substitutes[-1]
            self._engine.settings = self._engine.settings._replace(**changes)
            return False
        host = hosts.this_process()
        inactive = host in (hosts.Host.DISABLED, hosts.Host.TEST)
        path = locations.database_path(database, make_folder=not inactive)
        with self._guard:
            if inactive:
                return self._run_inline(changes)
            if self._attachment is not None:
                if self._attachment.database == path:
                    if changes and host is not hosts.Host.WORKER:
                        self._change_settings(self._attachment, changes)
                    return self._attach_if_changed()
                raise ConfigurationError(
                    f"this process uses {self._attachment.database} already, so start({str(database)!r}) can't: "
                    "use an Autocron() instance of its own for a second database, or stop() first"
                )
            return self._open(path, changes, host)

    def _change_settings(self, attachment: Attachment, changes: Mapping[str, Any]) -> None:
        """Other settings than those with which the database was opened, here and in the supervisor."""
        attachment.store.change_settings(changes)
        settings = attachment.store.settings()
        attachment.store.set_durability(settings.durability)
        if self._engine is not None:
            self._engine.settings = settings
        attachment.wake()

    # The decorators need nothing of what runs jobs: each of these two is where that is imported.

    def _run_inline(self, settings: Mapping[str, Any]) -> bool:
        from autocron.inline import InlineEngine
        from autocron.intake import Settings

        self._engine = InlineEngine(Settings.from_mapping(settings))
        return False

    def _open(self, path: str, changes: Mapping[str, Any], host: hosts.Host) -> bool:
        if os.name != "posix":
            raise ConfigurationError(
                f"worker processes need Linux or macOS, and this is {sys.platform}: set the environment variable "
                "AUTOCRON_DISABLE=1, and every task runs at once in its caller"
            )
        from autocron.attachment import Attachment
        from autocron.engines import StoreEngine
        from autocron.store import SqliteStore

        store = SqliteStore(path, create=host is not hosts.Host.WORKER)
        if changes and host is not hosts.Host.WORKER:
            store.change_settings(changes)
        settings = store.settings()
        store.database.set_durability(settings.durability)
        if settings.autocron_lock and host is not hosts.Host.WORKER:
            store.close()
            return self._run_inline(settings._asdict())
        serves = host is hosts.Host.SERVER
        self._attachment = Attachment(store.database.path, store, spawns=serves)
        self._engine = StoreEngine(store, settings, self._application_of, self._attachment.wake, self._mistrust)
        return self._attach_if_changed()

    def stop(self) -> None:
        """Detach from the database. Nobody has to call it: the end of the process does the same.

        The supervisor ends a few seconds after the last attached process has left.
        """
        with self._guard:
            if self._attachment is not None:
                self._attachment.detach()
            self._attachment = self._engine = self._registered = None

    def get_results(self) -> list[TaskResult[Any]]:
        """The handles of all jobs in the database, newest first. Raises NotStartedError before ``start``."""
        engine = self.engine()
        return [TaskResult(engine, job.uuid, job) for job in engine.jobs()]

    def setup_worker(self, function: str, arguments: Mapping[str, Any] | None = None, *, module: str | None = None) -> None:
        """Have every worker of this application call ``function`` (``"module:name"``) before its first job.

        It is called with ``arguments`` (JSON values) as keywords. If the name of a ``module`` is given, workers import
        that first and pass it as first argument; ``"__main__"`` stands for this process's main module. The function
        may return a factory of context managers: one is entered around every job. This is how a framework's adapter
        gives jobs what requests have. Raises ConfigurationError for what can't be called, and for other arguments than
        at an earlier call with the same function; TaskDefinitionError for a main module that can't be imported.
        """
        if not all(function.partition(":")):
            raise ConfigurationError(f'a worker setup is named "module:function", not {function!r}')
        from autocron.intake import Setup

        setup = Setup.calling(function, arguments or {}, module and _name_for_workers(module, function))
        with self._guard:
            known = self._setups.get(function, setup)
            if known != setup and hosts.this_process() in (hosts.Host.SERVER, hosts.Host.TOOL):
                raise ConfigurationError(
                    f"workers are set up by {function} with {known.arguments} (module {known.module}) already, and can't "
                    f"be with {setup.arguments} (module {setup.module}) too: the jobs of a second application in this "
                    "process need an Autocron() instance of their own, on a database of its own"
                )
            self._setups[function] = setup
            self._attach_if_changed()

    def _import_in_workers(self, module: str, hook: str) -> None:
        from autocron.intake import Setup

        module = _name_for_workers(module, "a hook")
        with self._guard:
            hooks = self._hooks.setdefault(module, set())
            hooks.add(hook)
            self._hook_modules[module] = Setup.calling("autocron.hooks:imported", {"hooks": sorted(hooks)}, module)
            self._attach_if_changed()

    # -- tasks ---------------------------------------------------------------------------------------------

    @overload
    def delay(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, R]: ...
    @overload
    def delay(self, function: Callable[P, R], /) -> Task[P, R]: ...
    @overload
    def delay(
        self, /, *, name: str | None = None, aliases: Sequence[str] = (), **options: Unpack[TaskOptions]
    ) -> DelayDecorator: ...
    def delay(
        self, function: Any = None, /, *, name: str | None = None, aliases: Sequence[str] = (), **options: Unpack[TaskOptions]
    ) -> Any:
        """Make a function a task: calling it stores a job and returns its ``TaskResult`` at once.

        Bare (``@delay``) or with options (``@delay(seconds=30, retries=3)``); see ``TaskOptions``. ``name`` keeps a
        task's name when its function moves; ``aliases`` are names that it had before: jobs stored under one of them run
        this function. Raises TaskDefinitionError for a lambda or a nested function, or an alias that is another task's
        name, ConfigurationError for an option that can't be.
        """
        checked = Options().changed(options, "@delay")
        former = checked_aliases(aliases)
        if function is None:
            return lambda function: self._make_task(function, checked, name, former)
        return self._make_task(function, checked, name, former)

    def _make_task(
        self, function: Callable[P, Any], options: Options, name: str | None, aliases: tuple[str, ...]
    ) -> Task[P, Any]:
        if isinstance(function, Task):
            raise TaskDefinitionError(f"{function.name} is a task already; decorate it with @delay once")
        task: Task[P, Any] = Task(function, options, self.engine, name)
        keep_function(task.name, function, aliases)
        with self._guard:
            module = module_of(function)
            # A new alias is made known at once, for nobody calls a task by it; a name is, when it is called.
            news = module not in self._tasks.values() or any(alias not in self._tasks for alias in aliases)
            self._tasks |= dict.fromkeys((task.name, *aliases), module)
            if news:
                self._attach_if_changed()
        return task

    def _add_schedule(self, declared: Declared) -> None:
        name = declared.task.name
        module = _name_for_workers(declared.function.__module__, name)
        with self._guard:
            keep_function(name, declared.function)
            self._tasks[name] = module
            self._schedules[declared.free_name(self._schedules)] = declared
            self._attach_if_changed()

    # -- how it is known to the supervisor -----------------------------------------------------------------

    def engine(self) -> StoreEngine | InlineEngine:
        """What runs the calls of this instance's tasks. Raises NotStartedError before ``start``."""
        engine = self._engine
        if engine is not None:
            return engine
        with self._guard:
            if _substitutes:
                self._engine = _substitutes[-1]
                return self._engine
            worker = hosts.worker()
            if worker is not None:
                self._open(worker.database, {}, hosts.Host.WORKER)
            elif hosts.this_process() in (hosts.Host.DISABLED, hosts.Host.TEST):
                self._run_inline({})
            if self._engine is None:
                raise NotStartedError(
                    'autocron has not been started in this process: call autocron.start("project.db") first. '
                    "To run the function here and now, use its .call(...), or set AUTOCRON_DISABLE=1"
                )
            return self._engine

    def exchange_engine(self, engine: StoreEngine | InlineEngine | None) -> StoreEngine | InlineEngine | None:
        """Have another engine run the calls, None: the one that is found at the next call. Returns the one before.

        For ``autocron.testing``.
        """
        before, self._engine = self._engine, engine
        return before

    @property
    def database(self) -> Path | None:
        """The file that this process works with; None before ``start``, and where autocron is inactive."""
        from pathlib import Path

        return None if self._attachment is None else Path(self._attachment.database)

    @property
    def declared(self) -> Mapping[str, Declared]:
        """The schedules of this instance by name, as their decorators declared them."""
        return self._schedules

    def _application_of(self, request: Request) -> int:
        """The application whose workers know the task; made known first, if it isn't."""
        registered = self._registered
        if registered is None or request.task.name not in registered.tasks:
            with self._guard:
                self._tasks.setdefault(request.task.name, module_of(request.task.function))
                self._attach_if_changed()
                registered = self._registered
                assert registered is not None
        return registered.application

    def _mistrust(self) -> None:
        """The database couldn't be used: the next one to be found there may not know this application."""
        self._registered = None

    def _attach_if_changed(self) -> bool:
        """Tell the database what is new here. Whether a supervisor was started by it."""
        attachment = self._attachment
        if attachment is None:
            return False
        from autocron import registration

        setups = [each[name] for each in (self._setups, self._hook_modules) for name in sorted(each)]
        launch = registration.own_launch(self._tasks, setups)
        known = self._registered
        if known is not None and known.covers(launch, self._tasks, self._schedules):
            return attachment.ensure_supervisor()
        self._registered = new = registration.register(attachment, launch, self._tasks, self._schedules)
        return attachment.spawns and attachment.attach(new.application)


def _name_for_workers(module: str, user: str) -> str:
    """The name under which workers import a module. Raises TaskDefinitionError for a main module that they can't import."""
    if module != "__main__":
        return module
    if hosts.this_process() is hosts.Host.SERVER:
        check_main_module(user)
    return main_module_name()


_instances: weakref.WeakSet[Autocron] = weakref.WeakSet()
_substitutes: list[StoreEngine] = []


def instances() -> list[Autocron]:
    """All instances of this process."""
    return list(_instances)


def substitute_engine(engine: StoreEngine) -> Callable[[], None]:
    """Have this engine take all calls of this process, whatever database is started. Returns what ends that."""
    from autocron.inline import InlineEngine

    _substitutes.append(engine)
    before = {instance: instance.exchange_engine(engine) for instance in instances()}
    for started in (before.get(default), *before.values()):
        if isinstance(started, InlineEngine):  # by a start() whose settings hold here, too
            engine.settings = started.settings
            break

    def end() -> None:
        _substitutes.remove(engine)
        for instance in instances():
            instance.exchange_engine(before.get(instance))

    return end


default: Autocron = Autocron()
"""The instance whose methods are the functions of the package."""

set_default_source(default.engine)
