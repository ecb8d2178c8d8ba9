"""Starting the supervisor and its workers as exec'ed processes: ``python -m autocron DATABASE supervise | worker``."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess  # dear, and only who starts a process pays for it

_LIKELY_FILES = 1024  # numbers of open files that are looked at where the kernel doesn't list them

_PACKAGE_PARENT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


def python_executable() -> str:
    """The interpreter of this process, also where ``sys.executable`` is a server that embeds Python (uWSGI)."""
    looked_for: list[str] = []
    for candidate in _interpreters():
        named_so = os.path.basename(candidate).lower().startswith(("python", "pypy"))
        if named_so and os.access(candidate, os.X_OK):
            return candidate
        looked_for.append(candidate)
    raise FileNotFoundError(f"no Python interpreter found; looked for {', '.join(filter(None, looked_for))}")


def _interpreters() -> Iterator[str]:
    """Where one may be, the likeliest first."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    yield sys.executable or ""
    yield os.path.join(sys.prefix, "bin", "python")
    yield os.path.join(sys.prefix, "bin", version)
    yield getattr(sys, "_base_executable", "") or ""
    import shutil

    yield shutil.which(version) or ""
    yield shutil.which("python3") or ""


def working_folder() -> str:
    """The current folder; the root folder where that has been deleted."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return "/"


def import_path(modules: Iterable[str]) -> tuple[str, ...]:
    """``sys.path`` for another process, with the folders that these imported modules came from.

    A relative entry means another folder by now if the process has changed its own since the import.
    """
    path = [os.path.normpath(os.path.join(working_folder(), entry)) for entry in sys.path]
    for name in sorted(modules):
        file = getattr(sys.modules.get(name), "__file__", None)
        if not isinstance(file, str) or not os.path.isabs(file):
            continue
        depth = name.count(".") + (os.path.basename(file) == "__init__.py")
        folder = os.path.dirname(file)
        for _ in range(depth):
            folder = os.path.dirname(folder)
        if folder not in path:
            path.append(folder)
    return tuple(path)


def _command(executable: str, arguments: Sequence[str]) -> list[str]:
    # -P: the current folder may hold an application's queue.py or json.py; they must not shadow the library.
    flags = ["-P"] + ["-O"] * sys.flags.optimize + [f"-W{option}" for option in sys.warnoptions]
    return [executable, *flags, "-m", "autocron", *arguments]


def _environment() -> dict[str, str]:
    import site

    environment = dict(os.environ)
    known = environment.get("PYTHONPATH", "").split(os.pathsep)
    if _PACKAGE_PARENT not in (*site.getsitepackages(), site.getusersitepackages(), *known):
        # A copy beside the application, or an editable install: the child must find it as well.
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [_PACKAGE_PARENT, *known]))
    return environment


def spawn_supervisor(database: str) -> int:
    """Start the supervisor of a database, on this process's output. Returns its process id. Raises OSError.

    It makes its session itself (``leave_the_starter``). See docs/decisions/0021-start.md for why this is no ``Popen``.
    """
    executable = python_executable()
    actions: list[tuple[object, ...]] = [(os.POSIX_SPAWN_CLOSE, fd) for fd in _left_inheritable()]
    actions.append((os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0))
    arguments = _command(executable, [database, "supervise", "--attached"])
    return os.posix_spawn(executable, arguments, _environment(), file_actions=actions, setsigmask=())


def leave_the_starter() -> None:
    """The supervisor's first step: out of the starter's session, and of a folder that the next deployment may delete."""
    with contextlib.suppress(PermissionError):  # it leads a group already: a shell has started it
        os.setsid()
    os.chdir("/")


def _left_inheritable() -> list[int]:
    """Files that C code, or a server for its children, has opened so that others get them: a port, say, would stay taken."""
    try:
        candidates = [int(name) for name in os.listdir("/dev/fd")]
    except OSError:  # where /proc isn't mounted
        candidates = list(range(_LIKELY_FILES))
    left = []
    for fd in candidates:
        with contextlib.suppress(OSError):  # it isn't open, as the one by which the folder was read
            if fd > 2 and os.get_inheritable(fd):
                left.append(fd)
    return left


def spawn_worker(database: str, executable: str, cwd: str, number: int, fds: tuple[int, ...]) -> subprocess.Popen[bytes]:
    """Start a worker in a process group of its own, so that it and what its jobs start can be ended together.

    ``fds`` are the ends that the worker inherits: jobs, outcomes, lifeline, two queues of tickets. Raises OSError.
    """
    import subprocess

    arguments = [database, "worker", f"--number={number}", "--fds=" + ",".join(map(str, fds))]
    return subprocess.Popen(
        _command(executable, arguments),
        stdin=subprocess.DEVNULL,
        cwd=cwd if os.path.isdir(cwd) else "/",
        env=_environment(),
        pass_fds=fds,
        process_group=0,
    )
