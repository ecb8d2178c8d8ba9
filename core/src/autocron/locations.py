"""Where a database and the files beside it are. Paths are texts here and below: ``pathlib`` is dear."""

from __future__ import annotations

import os

from autocron.errors import ConfigurationError

REDIRECTION = "AUTOCRON_TEST_DATABASE"
"""Environment variable: every database's name means this file. Tests with real workers keep their hands off all others."""


def database_path(database: str | os.PathLike[str], *, make_folder: bool = False) -> str:
    """The absolute path of a database: a plain name is in ``~/.autocron/``, which is made on demand (mode 0700).

    Raises ConfigurationError for a missing folder, for a relative name where no home folder is known, and for a
    name that can't be a file's.
    """
    if not isinstance(database, (str, os.PathLike)) or not str(database).strip() or "\0" in str(database):
        raise ConfigurationError(f'the database must be a file\'s name or path, such as "project.db", not {database!r}')
    if redirected := os.environ.get(REDIRECTION):
        return redirected
    path = os.path.expanduser(database)
    if not os.path.isabs(path):
        home = os.path.join(_home(), ".autocron")
        if make_folder:
            try:
                os.mkdir(home, mode=0o700)
            except OSError as error:
                if not os.path.isdir(home):
                    raise ConfigurationError(
                        f"the folder {home} can't be made ({error.strerror}); give an absolute path to the database"
                    ) from error
        path = os.path.join(home, path)
    folder, name = os.path.split(path.rstrip(os.sep) or os.sep)
    if not os.path.isdir(folder) and (make_folder or os.path.basename(folder) != ".autocron"):
        raise ConfigurationError(f"the folder {folder} of the database {name!r} does not exist: make it, or give another path")
    if os.path.isdir(path):
        example = os.path.join(path, "autocron.db")
        raise ConfigurationError(f"{path} is a folder; give the path of a file in it, such as {example}")
    # One file has one name, however it was reached: the locks beside it must be the same for everybody.
    return os.path.realpath(path)


def lock_path(database: str | os.PathLike[str]) -> str:
    """The file that carries the kernel locks."""
    return f"{os.fspath(database)}-lock"


def wakeup_path(database: str | os.PathLike[str]) -> str:
    """The named pipe that wakes the supervisor."""
    return f"{os.fspath(database)}-wake"


def _home() -> str:
    """The home folder, if there is a usable one. Servers are often started without."""
    home = os.environ.get("HOME", "")
    if not os.path.isabs(home) or not os.path.isdir(home):
        raise ConfigurationError(
            f"a database given by its name lives in ~/.autocron/, but there is no usable home folder (HOME={home!r}): "
            'give an absolute path, such as start("/var/lib/myapp/autocron.db")'
        )
    return home
