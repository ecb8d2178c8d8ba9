"""What the operating system knows: processes, mounts, who holds a file. None or nothing where it doesn't tell."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from autocron.clock import MICROSECONDS

NETWORK_FILE_SYSTEMS = frozenset(
    "nfs nfs4 cifs smb3 smbfs ncpfs afs ceph glusterfs lustre gpfs beegfs orangefs pvfs2 sshfs davfs davfs2 "
    "fuse.sshfs fuse.glusterfs fuse.ceph fuse.s3fs fuse.gcsfuse fuse.rclone fuse.davfs fuse.juicefs".split()
)
"""File systems where SQLite's locks can't be relied on."""


@dataclass(frozen=True, slots=True)
class ProcessReport:
    """A process. ``pid`` is 0 where the kernel can't name it: it is in another container."""

    pid: int
    started_at: int | None = None
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``level``: ok, note (worth knowing), warning, problem (to be seen to)."""

    check: str
    level: str
    message: str


def process(pid: int) -> ProcessReport:
    """A process with what /proc tells of it."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        ticks = int(fields[19]) / os.sysconf("SC_CLK_TCK")  # since boot
        boot = next(line for line in Path("/proc/stat").read_text("ascii").splitlines() if line.startswith("btime "))
        started_at = round((int(boot.split()[1]) + ticks) * MICROSECONDS)
        return ProcessReport(pid, started_at, fields[0] in "Tt")
    except (OSError, ValueError, IndexError, StopIteration):
        return ProcessReport(pid)


def command_of(pid: int) -> str:
    """The command line of a process, "" if it can't be read."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


def file_system(path: Path) -> str | None:
    """The type of the file system that a path is on."""
    try:
        mounts = Path("/proc/self/mounts").read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    found: tuple[int, str] | None = None
    for line in mounts:
        _, point, kind, *_ = line.split(" ")
        folder = Path(point.encode().decode("unicode_escape"))  # a blank is \040 there
        if path.is_relative_to(folder) and (found is None or len(folder.parts) >= found[0]):
            found = len(folder.parts), kind
    return None if found is None else found[1]


def users_of(path: Path) -> list[int]:
    """The processes that have a file open, as far as this user may see."""
    pids: list[int] = []
    try:
        wanted = path.stat()
        candidates = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
    except OSError:
        return pids
    for pid in candidates:
        try:
            entries = os.listdir(f"/proc/{pid}/fd")
        except OSError:
            continue
        for entry in entries:
            try:
                seen = os.stat(f"/proc/{pid}/fd/{entry}")
            except OSError:
                continue
            if (seen.st_dev, seen.st_ino) == (wanted.st_dev, wanted.st_ino):
                pids.append(pid)
                break
    return pids


def lock_holders(path: Path, start: int) -> set[int]:
    """The processes with a record lock on one byte of a file, from /proc/locks."""
    pids: set[int] = set()
    try:
        inode = path.stat().st_ino
        lines = Path("/proc/locks").read_text("ascii").splitlines()
    except OSError:
        return pids
    for line in lines:
        match line.split():
            case [_, "POSIX" | "OFDLCK", _, "WRITE", pid, where, first, last]:
                covers = int(first) <= start and (last == "EOF" or start <= int(last))
                if covers and where.rpartition(":")[2] == str(inode):
                    pids.add(int(pid))
            case _:
                pass
    return pids
