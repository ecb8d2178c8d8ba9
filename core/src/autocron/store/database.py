"""One SQLite file and this process's only connection to it: opening, migrating, waiting for the write lock."""

import contextlib
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, ParamSpec, TypeVar

from autocron.errors import AutocronError, ForeignDatabaseError, StoreBusyError, StoreError, TooLargeError
from autocron.store.migrations import migrate, require_newest

BUSY_SECONDS = 30.0
"""How long a statement waits for the write lock before it raises StoreBusyError."""

_PAUSES = (0.1, 0.3, 0.5, 0.7, 1.0, 2.0, 3.2, 2.5, 2.0, 1.6, 1.3, 1.0, 0.8, 0.65, 0.5, 0.4, 0.3, 0.25, 0.2)
"""Milliseconds between two tries for the write lock, the last one for all further tries; each is jittered.

Growing at first, so that the others get on; then shrinking: whoever has waited longest tries most often, and comes next.
"""

_LONG_HELD, _LONG_PAUSE = 0.25, 5.0
"""After so many seconds whoever holds the lock is no call, and a try in so many milliseconds will do."""

_MINIMUM_SQLITE = (3, 37, 0)  # STRICT tables

LOOK_PAUSE = 0.001
"""Seconds for which a file that was seen at its path is taken to be there still: calls in a row look once."""

_FREE_PAGES_KEPT = 256  # room for the next jobs; beyond it the file shrinks
_PAGES_AT_ONCE = 256

_LONG_LOG, _HUGE_LOG = 1000, 32_000
"""Pages. A long log is begun anew; a huge one gives its room back to the file system, too."""

_TRIES = 5
"""How often a long log's end is tried for: while somebody writes or reads just then, it can't be had."""

P = ParamSpec("P")
T = TypeVar("T")
Parameters = Mapping[str, Any] | tuple[Any, ...]
_abandoned: list[sqlite3.Connection] = []


class _Log(NamedTuple):
    """What a checkpoint found: how many pages the log has, and whether all of them are in the database now."""

    frames: int
    done: bool


class Database:
    """The file at ``path``. Usable from many threads; a forked child opens a connection of its own.

    ``create`` makes the file if it isn't there. ``upgrade`` brings an older schema up to date; otherwise it is refused.
    Raises StoreError from any method when the file can't be used; ForeignDatabaseError when it isn't ours.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, create: bool = False, upgrade: bool = True, durability: str = "normal"
    ) -> None:
        self.path: str = os.fspath(path)
        self.lock: threading.RLock = threading.RLock()
        self._create = create
        self._upgrade = upgrade
        self._durability = durability
        self._connection: sqlite3.Connection | None = None
        self._pid = 0
        self._device, self._inode = 0, 0
        self._looks_again_at = 0.0
        self._wal = f"{self.path}-wal"
        self._wal_identity: tuple[int, int] | None = None
        self._depth = 0
        self._lenient = False

    # -- statements ----------------------------------------------------------------------------------------

    def read(self, sql: str, parameters: Parameters = (), *, here: bool = False) -> list[Any]:
        """All rows of a query. ``here`` raises StoreError if they would come from a file that isn't at the path any more."""
        with self.lock:
            if here:
                self._for_writing()
            try:
                return self._patiently(lambda: self._open().execute(sql, parameters).fetchall())
            except _DamagedTextError:  # it can be read from now on
                return self._patiently(lambda: self._open().execute(sql, parameters).fetchall())

    def write(self, sql: str, parameters: Parameters = ()) -> sqlite3.Cursor:
        """One statement, in a transaction of its own unless ``transaction`` is open. Not for RETURNING."""
        with self.lock:
            connection = self._for_writing()
            # Outside a transaction a single statement is one: SQLite takes the write lock before it reads.
            try:
                return connection.execute(sql, parameters)
            except sqlite3.Error:  # most often the lock was taken; nothing has happened yet
                return self._patiently(connection.execute, sql, parameters)

    def write_each(self, sql: str, rows: Sequence[Parameters]) -> int:
        """One statement with one row of parameters after the other, all or none. How many rows of the table it changed."""
        with self.transaction():
            execute = self._open().execute
            execute("savepoint each")
            try:
                changed: int = self._patiently(self._open().executemany, sql, rows).rowcount
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # all of the transaction may be undone already
                    execute("rollback to each")
                raise
            execute("release each")
            return changed

    def write_returning(self, sql: str, parameters: Parameters = ()) -> list[Any]:
        """One statement with RETURNING; its rows are fetched at once, for the write lock lasts until the last."""
        with self.lock:
            connection = self._for_writing()
            return self._patiently(lambda: connection.execute(sql, parameters).fetchall())

    @contextlib.contextmanager
    def transaction(self) -> Iterator[bool]:
        """Everything inside is committed together or not at all. Transactions inside join the outer one.

        Its value: whether it had to wait, for somebody else was writing.
        """
        with self.lock:
            connection = self._for_writing()
            if self._depth:
                yield False
                return
            waited = False
            try:
                connection.execute("begin immediate")
            except sqlite3.Error:
                waited = True
                self._patiently(connection.execute, "begin immediate")
            self._depth = 1
            try:
                yield waited
                self._patiently(connection.execute, "commit")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("rollback")
                raise
            finally:
                self._depth = 0

    def maintain(self) -> bool:
        """Checkpoint, and return some free pages to the file system. Whether all was done.

        Only ever called by the supervisor. A long log is also made to begin anew: under an unbroken load no checkpoint
        ever comes to its end, and it would grow and grow. See docs/decisions/0009-checkpoint-thread.md.
        """
        with self.lock:
            connection = self._for_writing()
            free = self._patiently(lambda: connection.execute("pragma freelist_count").fetchone()[0])
            if free > _FREE_PAGES_KEPT:
                # It frees a page at each step, and only executescript steps a statement without columns to its end.
                vacuum = f"pragma incremental_vacuum({_PAGES_AT_ONCE})"
                self._patiently(connection.executescript, vacuum)
            log = self._checkpoint("passive")
            tries = _TRIES if log.frames > _LONG_LOG else 0
            for _ in range(tries):
                log = self._checkpoint("truncate" if log.frames > _HUGE_LOG else "restart")
                if log.done:
                    break
            return log.done and free <= _FREE_PAGES_KEPT + _PAGES_AT_ONCE

    def _checkpoint(self, mode: str) -> _Log:
        """Copy the log into the database: "passive", beside writers; "restart", while they wait, so that it begins anew.

        It writes first, and that matters: while the log has a frame that isn't copied, nobody can begin it anew. SQLite
        before 3.51.3 (3.50.7, 3.44.6) loses commits when another connection does so in the moment a checkpoint begins.
        """
        with self.transaction():  # SQLite writes nothing where a row is what it was
            self.write("update revision set number = number + 1")
            self.write("update revision set number = number - 1")
        busy, frames, copied = self._patiently(self._open().execute, f"pragma wal_checkpoint({mode})").fetchone()
        return _Log(frames, not busy and frames == copied)

    # -- the connection ------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close this process's connection; the next statement opens one again."""
        with self.lock:
            if self._connection is None:
                return
            if self._pid == os.getpid():
                self._connection.close()
            else:
                # Made before a fork that ran no hooks: closing it here would release the parent's locks.
                _abandoned.append(self._connection)
            self._connection = None

    def before_fork(self) -> None:
        """Hold everything still, with no connection open, until after the fork: none may cross."""
        self.lock.acquire()
        self.close()

    def after_fork_in_parent(self) -> None:
        self.lock.release()

    def after_fork_in_child(self) -> None:
        self.lock = threading.RLock()  # the copy may be held by a thread that isn't in this process

    def set_durability(self, durability: str) -> None:
        """ "normal": a power loss may undo the last moments, never more. "full": what was committed stays."""
        with self.lock:
            self._durability = durability
            if self._connection is not None:
                self._connection.execute(f"pragma synchronous = {_synchronous(durability)}")

    def _for_writing(self) -> sqlite3.Connection:
        """The connection, if the file it has open is still the one at the path; a write elsewhere would be lost.

        A job that is stored in the millisecond after the file was taken away shares the lot of those before it.
        """
        connection = self._connection
        if connection is None or self._pid != os.getpid():
            connection = self._open()
        now = time.monotonic()
        if now >= self._looks_again_at and not self._depth:
            try:
                found = os.stat(self.path)
            except OSError:
                raise self._displaced("deleted or moved") from None
            if found.st_ino != self._inode or found.st_dev != self._device:
                raise self._displaced("replaced")
            self._looks_again_at = now + LOOK_PAUSE
        return connection

    def _displaced(self, how: str) -> StoreError:
        self.close()
        if how == "replaced" and self._wal_identity == _identity(self._wal):
            # The log of the file that was here would be replayed into the one that is here now.
            for name in (self._wal, f"{self.path}-shm"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name)
        return StoreError(
            f"the database {self.path} has been {how} while in use; nothing was stored. "
            "Put the file back, or call again to use the one that is there now"
        )

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            if self._pid == os.getpid():
                return self._connection
            self.close()
        if sqlite3.sqlite_version_info < _MINIMUM_SQLITE:
            raise StoreError(
                f"SQLite {sqlite3.sqlite_version} is too old; autocron needs "
                f"{'.'.join(map(str, _MINIMUM_SQLITE))} or newer (`python -c 'import sqlite3'` shows which is used)"
            )
        try:
            if self._create:
                # SQLite would make the file with the process's umask; jobs may carry what isn't everybody's.
                with contextlib.suppress(FileExistsError):
                    os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
                self._create = False
            found = os.stat(self.path)
        except FileNotFoundError:
            raise StoreError(f"there is no database {self.path}; start() makes it, or correct the path") from None
        except OSError as error:
            raise StoreError(f"the database {self.path} can't be used: {error.strerror}") from error
        if found.st_size == 1:  # SQLite takes a file of one byte for an empty one, and would write over it
            raise self._not_ours(ValueError("one byte"))
        if not os.access(self.path, os.R_OK | os.W_OK) or not os.access(os.path.dirname(self.path), os.W_OK | os.X_OK):
            raise StoreError(
                f"the database {self.path} is not writable for this user (uid {os.getuid()}); the file and its "
                "folder must be: correct the owner or mode (or how the file system is mounted), or give start() another path"
            )
        connection = sqlite3.connect(
            f"file:{_quote(self.path)}?mode=rw",
            uri=True,
            timeout=0,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=200,
        )
        try:
            self._patiently(lambda: self._prepare(connection))
        except BaseException:
            connection.close()
            raise
        self._connection, self._pid = connection, os.getpid()
        self._looks_again_at = 0.0
        self._device, self._inode = found.st_dev, found.st_ino
        self._wal_identity = _identity(self._wal)
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.row_factory = sqlite3.Row
        if self._upgrade:
            migrate(connection, self.path)
        else:
            require_newest(connection, self.path)
        connection.execute(f"pragma synchronous = {_synchronous(self._durability)}")
        connection.execute("pragma wal_autocheckpoint = 0")  # the supervisor is the only one that checkpoints
        connection.execute("pragma foreign_keys = on")

    def _patiently(self, operation: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The operation's value, waiting while another connection holds the write lock.

        SQLite's own wait sleeps up to 100 ms at a time and lets newcomers pass: see docs/decisions/0014-turns.md.
        """
        began, tries = 0.0, 0
        while True:
            try:
                return operation(*args, **kwargs)
            except UnicodeDecodeError as error:  # SQLite's message quotes what is damaged
                raise self._not_ours(error) from error
            except sqlite3.Error as error:
                code = getattr(error, "sqlite_errorcode", 0) & 0xFF
                if code not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                    explained = self._explained(error, code)
                    if explained is None:
                        raise
                    raise explained from error
                now = time.monotonic()
                began = began or now
                if now > began + BUSY_SECONDS:
                    raise StoreBusyError(
                        f"the database {self.path} was locked by another process for {BUSY_SECONDS:.0f} s; "
                        "find the program that holds it open (a backup, a shell with an open transaction)"
                    ) from error
            pause = _PAUSES[min(tries, len(_PAUSES) - 1)] if now < began + _LONG_HELD else _LONG_PAUSE
            time.sleep(pause / 1000 * (0.5 + random.random()))
            tries += 1

    def _not_ours(self, error: Exception) -> StoreError:
        return ForeignDatabaseError(
            f"{self.path} is not an autocron database, or it is damaged ({error}); it was left untouched. "
            "Give start() another path, or restore the file from a backup"
        )

    def _explained(self, error: sqlite3.Error, code: int) -> AutocronError | None:
        """What the person at 3 a.m. needs to read instead of SQLite's three words."""
        match code:
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                return self._not_ours(error)
            case sqlite3.SQLITE_FULL:
                return StoreError(f"the disk of {self.path} is full; nothing was stored. Free some space")
            case sqlite3.SQLITE_READONLY:
                return StoreError(
                    f"the database {self.path} is read-only; nothing was stored. Make its file system writable again"
                )
            case sqlite3.SQLITE_TOOBIG:  # no trouble of the file's: it would be the same at every further try
                return TooLargeError(
                    f"what was to be stored takes more room than SQLite has in a row of {self.path}; keep it elsewhere (a "
                    "file, a table of your own) and hand over what finds it there: a path, a key"
                )
            case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_CANTOPEN:
                return StoreError(f"the database {self.path} can't be read or written: {error}")
            case _ if "decode to UTF-8" in str(error) and not self._lenient:
                self._lenient = True
                if self._connection is not None:
                    self._connection.text_factory = _as_well_as_possible
                return _DamagedTextError(f"a text in {self.path} is damaged ({error}); it will be read as well as possible")
            case _ if isinstance(error, sqlite3.OperationalError):
                return StoreError(f"the database {self.path} can't be used: {error}")
            case _:
                return None


class _DamagedTextError(StoreError):
    """Some bytes of a text are no UTF-8. The rows can be read, but not by Python's own decoder of texts, the quick one."""


def _as_well_as_possible(text: bytes) -> str:
    return text.decode("utf-8", "backslashreplace")


def _synchronous(durability: str) -> str:
    return "full" if durability == "full" else "normal"


def _identity(path: str) -> tuple[int, int] | None:
    """What tells a file from another that takes its place; None if there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _quote(path: str) -> str:
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
