"""What kind of process this is: one that serves, a tool that only looks in, a test run, or a worker.

A server attaches and starts the supervisor. A tool (``flask routes``, ``manage.py migrate``) may call tasks, their
jobs are stored and a running server works them, but it starts nothing. Under pytest, unittest and ``manage.py test``
tasks run at once in the caller.
"""

import os
import sys
from enum import Enum, auto
from typing import TYPE_CHECKING

from autocron.errors import ConfigurationError

if TYPE_CHECKING:
    from autocron.intake import Launch


class Host(Enum):
    """What a process is, as far as autocron cares."""

    SERVER = auto()
    TOOL = auto()
    TEST = auto()
    DISABLED = auto()
    WORKER = auto()


class WorkerIdentity:
    """Whose worker this process is."""

    __slots__ = ("database", "launch")

    def __init__(self, database: str, launch: "Launch") -> None:
        self.database: str = database
        self.launch: Launch = launch


_worker: WorkerIdentity | None = None
_assumed: Host | None = None

# Programs whose subcommand tells; everything but these subcommands is a tool. "" is the program without one.
_SERVING_FLASK = {"run"}
_SERVING_DJANGO = {"runserver", "runserver_plus", "runserver_uwsgi", "testserver", "run_gunicorn", ""}
_TOOLS = {
    *("pshell", "proutes", "pviews", "ptweens", "prequest", "pdistreport", "pcreate", "alembic", "autocron"),
    # Who looks at code imports it, and with a plugin for Django sets that up; a documentation's conf.py does, too.
    *("mypy", "dmypy", "pylint", "sphinx", "sphinx-build", "sphinx-autobuild"),
}


def enter_worker(identity: WorkerIdentity) -> None:
    """Say that this process is a worker."""
    global _worker
    _worker = identity


def worker() -> WorkerIdentity | None:
    """Whose worker this process is, None if it is none."""
    return _worker


def in_worker() -> bool:
    """Whether this process is a worker: code that serves, or waits for ever, should stay away from it."""
    return _worker is not None


def assume(host: Host | None) -> None:
    """Take this process for something else than it looks like: a test that wants real workers. None ends it."""
    global _assumed
    _assumed = host


def this_process() -> Host:
    """What this process is."""
    if _worker is not None:
        return Host.WORKER
    if _assumed is not None:
        return _assumed
    if os.environ.get("AUTOCRON_DISABLE", "").lower() not in ("", "0", "false", "off", "no"):
        return Host.DISABLED
    if "_pytest.config" in sys.modules and _program() in ("pytest", "py.test", "-c", "__main__.py"):
        return Host.TEST
    if _is_unittest() or _django_command() == "test":
        return Host.TEST
    return Host.TOOL if _is_tool() else Host.SERVER


def starts_supervisors() -> bool:
    """Whether a serving process sees to it that a supervisor runs, or leaves that to the command ``supervise``.

    Raises ConfigurationError for a value of AUTOCRON_SUPERVISOR that means neither.
    """
    value = os.environ.get("AUTOCRON_SUPERVISOR", "")
    if value not in ("", "external"):
        raise ConfigurationError(
            f"AUTOCRON_SUPERVISOR={value!r} in the environment: write external where `autocron DATABASE supervise` runs as a "
            "service of its own, or leave it out"
        )
    return not value


def _program() -> str:
    folder, name = os.path.split(os.path.normpath(sys.argv[0])) if sys.argv and sys.argv[0] else ("", "")
    if name == "__main__.py":  # python -m
        package = os.path.basename(folder)
        names = {"flask": "flask", "django": "django-admin", "unittest": "unittest"}
        return names.get(package, package if package in _TOOLS else name)
    return name.removesuffix(".exe")


def _is_unittest() -> bool:
    """Whether this is ``python -m unittest``, which writes over its name once it has begun."""
    return _program() == "unittest" or _program().endswith("-m unittest")


def _is_tool() -> bool:
    program = _program()
    if program in _TOOLS:
        return True
    if program == "flask":
        command = _click_command()
        return command is not None and command not in _SERVING_FLASK
    command = _django_command()
    return command is not None and command not in _SERVING_DJANGO


def _django_command() -> str | None:
    """The command of ``manage.py`` that is running, "" without one; None outside of such a program.

    The program may have any name. While a command sets Django up, the call that runs it tells; Django keeps it nowhere
    else. Other threads know the usual names.
    """
    utility = getattr(sys.modules.get("django.core.management"), "ManagementUtility", None)
    running = None if utility is None else utility.execute.__code__
    if running is not None:
        import inspect  # dear, and where Django's commands are, so is this

        frame = inspect.currentframe()
        while frame is not None:
            if frame.f_code is running:
                return str(frame.f_locals["subcommand"])
            frame = frame.f_back
    if _program() in ("manage.py", "django-admin"):
        return sys.argv[1] if len(sys.argv) > 1 else ""
    return None


def _click_command() -> str | None:
    """The ``flask`` subcommand that is running, "" while there is none yet; None if that can't be told.

    The command line isn't parsed again here: options of groups and plugins may stand before the subcommand. An
    application that is loaded without any command (in a thread of a running server) is being served.
    """
    click = sys.modules.get("click")
    context = click.get_current_context(silent=True) if click is not None else None
    if context is None:
        return None
    names = []
    while context.parent is not None:
        names.append(str(context.info_name))
        context = context.parent
    return names[-1] if names else ""
