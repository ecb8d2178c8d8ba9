"""Starting the supervisor and its workers as exec'ed processes: ``python -m autocron DATABASE supervise | worker``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess  # dear, and only who starts a process pays for it

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


def spawn_supervisor(database: str) -> subprocess.Popen[bytes]:
    """Start the supervisor of a database in a session of its own, on this process's output. Raises OSError."""
    import subprocess

    return subprocess.Popen(
        _command(python_executable(), [database, "supervise", "--attached"]),
        stdin=subprocess.DEVNULL,
        cwd="/",  # a folder that is deleted at the next deployment must not be ours
        env=_environment(),
        start_new_session=True,
    )


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
