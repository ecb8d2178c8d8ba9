"""A small disk that can be filled: a file system in memory that only this process and its children see."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
from collections.abc import Callable
from pathlib import Path

_CLONE_NEWNS, _CLONE_NEWUSER = 0x0002_0000, 0x1000_0000
_MS_REC, _MS_PRIVATE, _MNT_DETACH = 0x4000, 0x4_0000, 2


class SmallDisk:
    """Mounted on ``folder`` until this process has ended, with all it started. ``problem`` says why there is none."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._ballast = folder / "ballast"
        self.problem = _mounted(folder, megabytes)

    def fill(self) -> None:
        """Leave no room for a single page."""
        with contextlib.suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                with contextlib.suppress(OSError):
                    while file.write(bytes(size)) == size:
                        pass

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def save(self, folder: Path) -> None:
        """Copy what is on it to a disk that stays, and give it up."""
        shutil.copytree(self._folder, folder, ignore=shutil.ignore_patterns("*-wake"))
        if not self.problem:
            _call(ctypes.CDLL(None, use_errno=True).umount2, os.fsencode(self._folder), _MNT_DETACH)


def _mounted(folder: Path, megabytes: int) -> str:
    """ "" if a small disk is there now, else the reason why it isn't."""
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        _call(libc.unshare, _CLONE_NEWNS | (_CLONE_NEWUSER if user else 0))
        if user:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        _call(libc.mount, None, b"/", None, _MS_REC | _MS_PRIVATE, None)
        _call(libc.mount, b"torture", os.fsencode(folder), b"tmpfs", 0, f"size={megabytes}m,mode=0700".encode())
    except AttributeError:
        return "this system has no mount namespaces"
    except OSError as error:
        return f"this user may not mount one ({error.strerror})"
    return ""


def _call(function: Callable[..., int], *arguments: object) -> None:
    if function(*arguments):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
