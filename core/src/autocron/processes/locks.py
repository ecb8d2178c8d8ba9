"""Kernel locks: who is attached, who supervises, which workers live and what they run. Nothing stored can be stale.

One file beside the database carries byte-range record locks (``fcntl``), each kind in its own range:

===================  =========================================  =========
range                held by                                    mode
===================  =========================================  =========
byte 0               the supervisor                             exclusive
byte 1               whoever spawns a supervisor, for a moment  exclusive
CLIENTS + app + pid  each attached process                      shared
WORKERS + pid        each worker                                exclusive
JOBS + id            the worker that runs that job              exclusive
===================  =========================================  =========

Record locks belong to a process: a forked child doesn't inherit them, the kernel drops them at exit and at exec,
and ``F_GETLK`` names a holder. Their one trap is that *any* close of the file by the process drops them all,
so a process opens the file once (``LockFile.open`` shares it) and nobody else ever touches it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import sys
import threading
from typing import ClassVar

# Linux: type, whence, start, length, pid. The BSDs and macOS: start, length, pid, type, whence.
_LINUX = sys.platform.startswith("linux")
_FLOCK = "hhqqi" if _LINUX else "qqihh"

_SUPERVISOR = 0
_SPAWNER = 1
_PIDS = 1 << 22  # Linux's upper bound of a process id
_CLIENTS = 1 << 40
_WORKERS = 1 << 60
_JOBS = 1 << 61  # ids have 60 bits


def _pack(kind: int, start: int, length: int) -> bytes:
    if _LINUX:
        return struct.pack(_FLOCK, kind, os.SEEK_SET, start, length, 0)
    return struct.pack(_FLOCK, start, length, 0, kind, os.SEEK_SET)


def _unpack(data: bytes) -> tuple[int, int, int]:
    """(kind, start, pid) of a ``struct flock``."""
    if _LINUX:
        kind, _, start, _, pid = struct.unpack(_FLOCK, data[: struct.calcsize(_FLOCK)])
    else:
        start, _, pid, kind, _ = struct.unpack(_FLOCK, data[: struct.calcsize(_FLOCK)])
    return kind, start, pid


class LockFile:
    """The locks of one database on this host. One object per file and process; see ``open``."""

    _open_files: ClassVar[dict[tuple[int, int], LockFile]] = {}
    _guard: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, path: str | os.PathLike[str], fd: int) -> None:
        self.path = path
        self._fd = fd

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> LockFile:
        """The process's only handle on this lock file, made (mode 0600) if it isn't there. Raises OSError.

        It is never closed again: closing would drop locks that another part of the process relies on.
        """
        with cls._guard:
            try:
                seen = os.stat(path)
                known = cls._open_files.get((seen.st_dev, seen.st_ino))
                if known is not None:
                    return known
            except FileNotFoundError:
                pass
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            made = os.fstat(fd)
            return cls._open_files.setdefault((made.st_dev, made.st_ino), cls(path, fd))

    # -- the supervisor ------------------------------------------------------------------------------------

    def become_supervisor(self) -> bool:
        """Take the supervisor's lock for this process's life. False when another process holds it."""
        return self._lock(fcntl.F_WRLCK, _SUPERVISOR)

    def supervisor_pid(self) -> int | None:
        """The process that supervises, or None. 0 where the kernel can't name it (another pid namespace)."""
        holder = self._holder(_SUPERVISOR, 1)
        return None if holder is None else holder[1]

    def may_spawn(self, now: float, pause: float) -> bool:
        """Whether this process should spawn a supervisor now: at most one spawn in ``pause`` seconds, host-wide.

        ``now`` is a monotonic moment. The moment of the last spawn is kept in the file; a wrong or old one
        only ever costs a superfluous process that finds the supervisor's lock taken and ends.
        """
        if not self._lock(fcntl.F_WRLCK, _SPAWNER):
            return False
        try:
            data = os.pread(self._fd, 8, 0)
            last = struct.unpack("d", data)[0] if len(data) == 8 else 0.0
            if last <= now < last + pause:
                return False
            os.pwrite(self._fd, struct.pack("d", now), 0)
            return True
        finally:
            self._lock(fcntl.F_UNLCK, _SPAWNER)

    # -- attached processes --------------------------------------------------------------------------------

    def attach(self, application: int) -> None:
        """Count this process among the attached ones of an application, until it ends or detaches."""
        self._lock(fcntl.F_RDLCK, _CLIENTS + application * _PIDS + os.getpid())

    def detach(self, application: int) -> None:
        self._lock(fcntl.F_UNLCK, _CLIENTS + application * _PIDS + os.getpid())

    def an_attached_pid(self, application: int | None = None) -> int | None:
        """Any attached process (of one application, or of all), or None. 0 where the kernel can't name it."""
        if application is None:
            holder = self._holder(_CLIENTS, _WORKERS - _CLIENTS)
        else:
            holder = self._holder(_CLIENTS + application * _PIDS, _PIDS)
        return None if holder is None else holder[1]

    def attached_pids(self) -> list[int]:
        """The attached processes other than this one."""
        return self._holders(_CLIENTS, _WORKERS)

    # -- workers -------------------------------------------------------------------------------------------

    def enter_worker(self) -> None:
        """Mark this process as a worker, so that a later supervisor can tell whether it still lives."""
        self._lock(fcntl.F_WRLCK, _WORKERS + os.getpid())

    def worker_pids(self) -> list[int]:
        """The living workers of this database, whoever started them."""
        return self._holders(_WORKERS, _WORKERS + _PIDS)

    def begin_job(self, job: int) -> None:
        """Mark this process, a worker, as the one that runs the job with this id: whoever asks can tell which it is."""
        self._lock(fcntl.F_WRLCK, _JOBS + job)

    def end_job(self, job: int) -> None:
        self._lock(fcntl.F_UNLCK, _JOBS + job)

    def worker_of(self, job: int) -> int | None:
        """The worker that runs the job with this id, or None. 0 where the kernel can't name it."""
        holder = self._holder(_JOBS + job, 1)
        return None if holder is None else holder[1]

    # -- the system calls ----------------------------------------------------------------------------------

    def _lock(self, kind: int, start: int) -> bool:
        try:
            fcntl.fcntl(self._fd, fcntl.F_SETLK, _pack(kind, start, 1))
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                return False
            raise
        return True

    def _holder(self, start: int, length: int) -> tuple[int, int] | None:
        """(start, pid) of a lock of another process in the range."""
        answer = fcntl.fcntl(self._fd, fcntl.F_GETLK, _pack(fcntl.F_WRLCK, start, length))
        kind, found, pid = _unpack(answer)
        return None if kind == fcntl.F_UNLCK else (found, max(pid, 0))

    def _holders(self, start: int, end: int) -> list[int]:
        """The holders of all locks in a range. The kernel names any of them, not the first: both sides are searched."""
        pids = []
        ranges = [(start, end)]
        while ranges:
            start, end = ranges.pop()
            if start < end and (holder := self._holder(start, end - start)) is not None:
                found, pid = holder
                pids.append(pid)
                ranges += [(start, found), (found + 1, end)]
        return sorted(pids)
