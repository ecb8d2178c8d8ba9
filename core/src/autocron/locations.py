"""Where a database and the files beside it are."""

from __future__ import annotations

import os
from pathlib import Path

from autocron.errors import ConfigurationError

REDIRECTION = "AUTOCRON_TEST_DATABASE"
"""Environment variable: every database's name means this file. Tests with real workers keep their hands off all others."""


def database_path(database: str | os.PathLike[str], *, make_folder: bool = False) -> Path:
    """The absolute path of a database: a plain name is in ``~/.autocron/``, which is made on demand (mode 0700).

    Raises ConfigurationError for a missing folder, for a relative name where no home folder is known, and for a
    name that can't be a file's.
    """
    if not isinstance(database, (str, os.PathLike)) or not str(database).strip() or "\0" in str(database):
        raise ConfigurationError(f'the database must be a file\'s name or path, such as "project.db", not {database!r}')
    if redirected := os.environ.get(REDIRECTION):
        return Path(redirected)
    path = Path(database).expanduser() if str(database).startswith("~") else Path(database)
    if not path.is_absolute():
        folder = _home() / ".autocron"
        if make_folder:
            try:
                folder.mkdir(mode=0o700, exist_ok=True)
            except OSError as error:
                raise ConfigurationError(
                    f"the folder {folder} can't be made ({error.strerror}); give an absolute path to the database"
                ) from error
        path = folder / path
    if not path.parent.is_dir() and (make_folder or path.parent.name != ".autocron"):
        raise ConfigurationError(
            f"the folder {path.parent} of the database {path.name!r} does not exist: make it, or give another path"
        )
    if path.is_dir():
        raise ConfigurationError(f"{path} is a folder; give the path of a file in it, such as {path / 'autocron.db'}")
    # One file has one name, however it was reached: the locks beside it must be the same for everybody.
    return path.resolve()


def lock_path(database: Path) -> Path:
    """The file that carries the kernel locks."""
    return database.with_name(database.name + "-lock")


def wakeup_path(database: Path) -> Path:
    """The named pipe that wakes the supervisor."""
    return database.with_name(database.name + "-wake")


def _home() -> Path:
    """The home folder, if there is a usable one. Servers are often started without."""
    home = os.environ.get("HOME", "")
    try:
        folder = Path(home) if home else Path.home()
    except RuntimeError:
        folder = Path()
    if not home or not folder.is_absolute() or not folder.is_dir():
        raise ConfigurationError(
            f"a database given by its name lives in ~/.autocron/, but there is no usable home folder (HOME={home!r}): "
            'give an absolute path, such as start("/var/lib/myapp/autocron.db")'
        )
    return folder
