"""What a process holds while it is attached: its lock, the wake-up, and a watch over the supervisor.

Nothing here survives a fork by accident: before one, the database connection is closed and the watching thread
ends; after it, both come back in the parent, and the child takes a lock of its own and opens the rest when needed.
uWSGI forks without a word: its master has no watching thread that could hold a lock just then, and a child of it
finds out at its first call what it is.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Final

from autocron import clock, hosts, locations
from autocron.errors import StoreError
from autocron.logs import logger_named
from autocron.processes.locks import LockFile
from autocron.processes.spawn import spawn_supervisor
from autocron.processes.wakeup import WakeUpWriter

if TYPE_CHECKING:
    from autocron.store.protocol import Store

logger: Final = logger_named(__name__)

SPAWN_PAUSE = 1.0
"""Seconds between two spawns of a supervisor on one host; a later one that finds the lock taken would only end."""

_LOOK_AGAIN = 0.05  # seconds between two tries of start() to have a supervisor, where no thread can watch

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 30.0  # seconds between two attempts to replace a dead supervisor
_all: weakref.WeakSet[Attachment] = weakref.WeakSet()


class Attachment:
    """This process's tie to the supervisor of one database.

    ``spawns`` is False for a process that only looks in: it never starts a supervisor and doesn't keep one alive.
    """

    def __init__(self, database: str, store: Store, *, spawns: bool) -> None:
        self.database = database
        self.store = store
        self.spawns: bool = spawns
        self._starts_supervisors = spawns and hosts.starts_supervisors()
        self.application: int | None = None
        self._guard = threading.RLock()
        self._wakeup = WakeUpWriter(locations.wakeup_path(database))
        self._watch: _Watch | None = None
        self._pid = os.getpid()
        self._children: list[int] = []
        self._unsettled = False  # a child may have lost the race to be the supervisor
        try:
            self.locks: LockFile = LockFile.open(locations.lock_path(database))
        except OSError as error:
            raise StoreError(
                f"the lock file {locations.lock_path(database)} can't be used ({error.strerror}): this user must be "
                "able to write in the folder of the database"
            ) from error
        _all.add(self)

    def attach(self, application: int) -> bool:
        """Join as a process of this application, and start the supervisor if none runs. Whether it was started."""
        self._notice_fork()
        with self._guard:
            self.locks.attach(application)
            if self.application not in (None, application):
                self.locks.detach(self.application)
            self.application = application
            self.store.attach(application, clock.now())
            self._recognize_child()
            # The watch first: the thread's beginning is waited for, and a new process may have the processor for that long.
            self._start_watching()
            if self._wakeup.ring():
                return False
            return self.ensure_supervisor() if self._watch else self._start_unwatched()

    def _start_unwatched(self) -> bool:
        """Where no thread watches, nobody would try again if another process's supervisor has begun and died just now."""
        deadline = clock.monotonic() + SPAWN_PAUSE + _LOOK_AGAIN
        while not (started := self.ensure_supervisor()) and self._starts_supervisors and clock.monotonic() < deadline:
            clock.sleep(_LOOK_AGAIN)
            if self._wakeup.ring():
                break
        return started

    @property
    def children(self) -> list[int]:
        """The supervisors that this process has started and not reaped."""
        return list(self._children)

    def detach(self) -> None:
        """Leave: the supervisor ends a few seconds after the last one has left."""
        self._stop_watching()  # not under the guard: the watch may be waiting for it
        with self._guard:
            if self.application is not None:
                self.locks.detach(self.application)
                self.application = None
                self._wakeup.ring()
            self.spawns = False
            self._wakeup.close()
            self.store.close()
            self._reap_later()

    def wake(self) -> None:
        """Tell the supervisor that there is something to do; start one if it has died."""
        self._notice_fork()
        with self._guard:
            if not self._wakeup.ring():
                self.ensure_supervisor()
            elif self._unsettled:
                self.settle()
            if self._watch is None:
                self._start_watching()

    def ensure_supervisor(self) -> bool:
        """Start a supervisor unless one runs or was started a moment ago. Whether this call started one."""
        with self._guard:
            self._reap()
            if not (self.spawns and self._starts_supervisors) or self.locks.supervisor_pid() is not None:
                return False
            if not self._supervisor_wanted() or not self.locks.may_spawn(clock.monotonic(), SPAWN_PAUSE):
                return False
            try:
                pid = spawn_supervisor(self.database)
            except OSError as error:  # the job that it was wanted for is stored: no reason to raise in a call
                logger.error("no supervisor can be started for %s: %s", self.database, error)
                return False
            self._children.append(pid)
            self._unsettled = True
            return True

    def settle(self) -> bool:
        """Collect children that have ended: another process's was faster, or has replaced ours. False: ask again soon.

        One that isn't the supervisor may not have come to its end yet: a killed process lets go of its files before that.
        """
        with self._guard:
            self._reap()
            supervisor = self.locks.supervisor_pid()
            self._unsettled = any(pid != supervisor for pid in self._children)
            return not self._unsettled

    def _supervisor_wanted(self) -> bool:
        """False while the stored switch says that nothing shall run."""
        try:
            return not self.store.settings().autocron_lock
        except StoreError as error:
            logger.warning("no supervisor can run: %s", error)
            return False

    def _recognize_child(self) -> None:
        """A process that has reloaded itself by exec is still the parent of the supervisor that it started before."""
        pid = self.locks.supervisor_pid()
        if pid and pid not in self._children:
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG) == (0, 0):
                    self._children.append(pid)

    def _reap(self) -> None:
        """Collect supervisors that have ended, so that none stays behind as a zombie while this process lives."""
        for pid in list(self._children):
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG) == (0, 0):
                    continue
            self._children.remove(pid)

    def _reap_later(self) -> None:
        """This process may live on: the supervisor that it started must not stay behind in it as a zombie."""
        self._reap()
        for pid in [] if _threads_are_greenlets() else self._children:
            threading.Thread(target=_wait_for, args=(pid,), name="autocron-reaper", daemon=True).start()

    # -- the watch -----------------------------------------------------------------------------------------

    def _start_watching(self) -> None:
        if self._watch is None and self.spawns and self.application is not None and _can_watch():
            self._watch = _Watch(self)
            self._watch.start()

    def _stop_watching(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.stop()

    # -- forks ---------------------------------------------------------------------------------------------

    def _notice_fork(self) -> None:
        if self._pid != os.getpid():  # no hook has run
            self.after_fork_in_child()

    def before_fork(self) -> None:
        if not _threads_are_greenlets():
            self._stop_watching()
        self._guard.acquire()
        self.store.before_fork()

    def after_fork_in_parent(self) -> None:
        self.store.after_fork_in_parent()
        self._guard.release()
        # Python 3.12 counts threads after this hook and warns of forks beside them: there, the next call starts it.
        if sys.version_info < (3, 12) and not _threads_are_greenlets():
            self._start_watching()

    def after_fork_in_child(self) -> None:
        self._pid = os.getpid()
        self.store.after_fork_in_child()
        self._guard = threading.RLock()
        self._children.clear()
        self._unsettled = False
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.abandon()
        if self.application is not None:
            self.locks.attach(self.application)  # record locks aren't inherited
            # The start of a greenlet would run all that were inherited, amid the fork: there, the next call starts it.
            if not _threads_are_greenlets():
                self._start_watching()


class _Watch(threading.Thread):
    """Sleeps until the supervisor's end of the wake-up pipe closes, then starts another supervisor."""

    def __init__(self, attachment: Attachment) -> None:
        super().__init__(name="autocron-watch", daemon=True)
        self._attachment = weakref.ref(attachment)
        self._wakeup = WakeUpWriter(locations.wakeup_path(attachment.database))
        self._stop_reader, self._stop_writer = os.pipe()
        self._stopping = False

    def stop(self) -> None:
        self._stopping = True
        os.close(self._stop_writer)
        if threading.current_thread() is not self:
            self.join()

    def abandon(self) -> None:
        """In a forked child, which inherits no thread, but a greenlet: it ends when it wakes."""
        self._stopping = True

    def run(self) -> None:
        pause = _FIRST_PAUSE
        try:
            select.select([self._stop_reader], [], [], pause)  # start() goes on meanwhile, and so does the supervisor's
            while not self._stopping:
                if self._wakeup.connect():
                    attachment = self._attachment()
                    settled = attachment is None or attachment.settle()
                    del attachment  # it shall be able to go while this waits
                    self._wakeup.wait_for_hangup(self._stop_reader, None if settled else SPAWN_PAUSE)
                    pause = _FIRST_PAUSE
                else:
                    self._replace_supervisor()
                    select.select([self._stop_reader], [], [], pause)
                    pause = min(pause * 1.5, _LONGEST_PAUSE)
        finally:
            self._wakeup.close()
            os.close(self._stop_reader)

    def _replace_supervisor(self) -> None:
        attachment = self._attachment()
        if attachment is None:
            self._stopping = True
        elif not self._stopping:
            attachment.ensure_supervisor()


def _threads_are_greenlets() -> bool:
    """Under gevent's monkey patching, where ``os.fork`` and ``subprocess`` run the hooks below, too."""
    gevent = sys.modules.get("gevent.monkey")
    return gevent is not None and bool(gevent.is_module_patched("threading"))


def _can_watch() -> bool:
    """False where a thread is a greenlet and its waiting would stop the server: with eventlet, or half a patch.

    There a dead supervisor is replaced at the next call of a task. The same holds in uWSGI's master, which will fork.
    """
    uwsgi = sys.modules.get("uwsgi")
    if uwsgi is not None and uwsgi.worker_id() == 0:
        return False
    eventlet = sys.modules.get("eventlet.patcher")
    if eventlet is not None and eventlet.is_monkey_patched("thread"):
        return False
    return not _threads_are_greenlets() or bool(sys.modules["gevent.monkey"].is_module_patched("select"))


def spawned_for(database: str | os.PathLike[str]) -> list[int]:
    """The children of this process that were started to supervise this database and haven't been reaped.

    All but one of them only found the lock taken, or will find it so.
    """
    return [pid for attachment in list(_all) if attachment.database == os.fspath(database) for pid in attachment.children]


def _wait_for(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)


def _before_fork() -> None:
    for attachment in list(_all):
        attachment.before_fork()


def _after_fork_in_parent() -> None:
    for attachment in list(_all):
        attachment.after_fork_in_parent()


def _after_fork_in_child() -> None:
    for attachment in list(_all):
        attachment.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
