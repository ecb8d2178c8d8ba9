"""What may be written on the command line, and the help for it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autocron.cli.running import Context

DATABASELESS = ("explain", "completion")
"""Commands that may stand first, without a database."""

FLAGS = (
    "info",
    "tasks",
    "results",
    "set_max_workers",
    "set_autocron_lock",
    "set_result_ttl",
    "set_defaults",
    "delete_database",
    "set_worker_idle_time",
    "set_monitor_idle_time",
    "set_blocking_mode",
    "set_monitor_lock",
)
"""What stands for a command of its own."""

_SORTED = "newest", "oldest", "next", "finished", "longest"
_STATES = "waiting", "running", "done", "error", "cancelled"

_DESCRIPTION = """\
Background jobs and cron in a SQLite file: look at them, change them, work them.

DATABASE is what start() was given: a name (the file is in ~/.autocron/) or an absolute path.
Without a command it prints the status."""

_EXAMPLES = """\
examples:
  autocron project.db                               is it running, what is stuck
  autocron project.db jobs --status error           what failed
  autocron project.db show UUID                     why: arguments, attempts, traceback
  autocron project.db retry --all-failed            run it all again
  autocron project.db --set-max-workers 4           documented flags work beside the commands
  autocron explain "30 9 0,2 * *"                   a cron expression in words

exit status: 0 fine, 1 not fine, 2 wrong usage. Every command takes --json."""


class _Parser(argparse.ArgumentParser):
    def __init__(self, **keywords: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **keywords)


def _command(module: str, function: str) -> Callable[[Context], int]:
    """The function of a command, imported when it is called."""

    def call(context: Context) -> int:
        return int(getattr(import_module(f"autocron.cli.{module}"), function)(context))

    return call


def make_parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="autocron", description=_DESCRIPTION, epilog=_EXAMPLES)
    parser.add_argument("database", metavar="DATABASE")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--version", action="version", version=f"autocron {_version()}")
    parser.set_defaults(command_function=_command("flags", "flags"), command=None)
    _add_flags(parser)
    commands = parser.add_subparsers(metavar="COMMAND", dest="command", title="commands", parser_class=_Parser)
    _add_questions(commands)
    _add_changes(commands)
    _add_rest(commands)
    return parser


def _add_flags(parser: argparse.ArgumentParser) -> None:
    shown = parser.add_argument_group("flags that show")
    shown.add_argument("-i", "--info", action="store_true", help="the settings and who runs")
    shown.add_argument("-t", "--tasks", action="store_true", help="the schedules, and the jobs that wait or run")
    shown.add_argument("-r", "--results", action="store_true", help="the results that are kept")
    changed = parser.add_argument_group("flags that change settings")
    changed.add_argument("--set-max-workers", metavar="N", type=int, help="worker processes of each application")
    changed.add_argument(
        "--set-autocron-lock", metavar="on|off", type=_switch, help="on: autocron doesn't start, calls run in the caller"
    )
    changed.add_argument("--set-result-ttl", metavar="S", type=float, help="seconds that results are kept")
    changed.add_argument("--set-defaults", action="store_true", help="all settings back to their defaults")
    changed.add_argument("--delete-database", action="store_true", help="delete the file; asks first")
    changed.add_argument("--yes", action="store_true", help="don't ask")
    without = parser.add_argument_group("flags accepted without effect")
    without.add_argument("--set-worker-idle-time", metavar="S", type=float, help="workers wait on a pipe")
    without.add_argument("--set-monitor-idle-time", metavar="S", type=float, help="the supervisor is woken")
    without.add_argument("--set-blocking-mode", metavar="on|off", type=_switch, help="calls never wait for a worker")
    without.add_argument("--set-monitor-lock", metavar="on|off", type=_switch, help="the kernel keeps the lock")


def _switch(text: str) -> bool:
    if text.lower() in ("on", "true"):
        return True
    if text.lower() in ("off", "false"):
        return False
    raise argparse.ArgumentTypeError(f"{text!r} must be on or off (true and false are understood, too)")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of seconds, 0 or more")
    return seconds


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number, 1 or more")
    return int(text)


def _add(commands: Any, name: str, function: str, summary: str, *examples: str) -> argparse.ArgumentParser:
    epilog = "examples:\n" + "\n".join(f"  autocron {example}" for example in examples)
    parser: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary, epilog=epilog)
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    module, _, attribute = function.partition(":")
    parser.set_defaults(command_function=_command(module, attribute))
    return parser


def _add_questions(commands: Any) -> None:
    status = _add(
        commands, "status", "status:status", "is it running, what does it do, what is stuck",
        "project.db status", "project.db status --check      exit status 0 only when jobs are being worked",
    )  # fmt: skip
    status.add_argument("--check", action="store_true", help="exit status 1 unless jobs are being worked, with the reasons")
    watch = _add(commands, "watch", "watch:watch", "the status, live, until q or Ctrl-C", "project.db watch --interval 5")
    watch.add_argument("--interval", type=_seconds, default=1.0, metavar="S", help="seconds between two looks (1)")
    watch.add_argument("--count", type=_count, metavar="N", help="end after so many looks")
    jobs = _add(
        commands, "jobs", "jobs:jobs", "list jobs, newest first",
        "project.db jobs --status error", "project.db jobs --task send_mail --sort longest --limit 10",
    )  # fmt: skip
    _add_filter(jobs, _STATES)
    jobs.add_argument("--sort", choices=_SORTED, default="newest", help="next: earliest start; longest: last attempt")
    jobs.add_argument("--limit", type=_count, default=50, metavar="N", help="at most so many (50)")
    show = _add(
        commands, "show", "jobs:show", "everything about one job: arguments, every attempt, traceback", "project.db show UUID"
    )
    show.add_argument("uuid", metavar="UUID")
    _add(commands, "schedules", "schedules:schedules", "schedules in words, their next and last run", "project.db schedules")
    _add(
        commands,
        "metrics",
        "metrics:metrics",
        "numbers for Prometheus",
        "project.db metrics > /var/lib/node_exporter/autocron.prom",
    )
    _add(
        commands, "doctor", "database:doctor", "look for everything that is known to go wrong",
        "project.db doctor             exit status 1 if there is a problem",
    )  # fmt: skip


def _add_filter(parser: argparse.ArgumentParser, states: tuple[str, ...]) -> None:
    if states:
        parser.add_argument("--status", choices=states, help="only jobs in this state")
    parser.add_argument("--task", metavar="NAME", help="only jobs of this task; without dots, of any module")
    parser.add_argument("--queue", metavar="QUEUE", help="only jobs of this queue")


def _add_changes(commands: Any) -> None:
    retry = _add(
        commands, "retry", "jobs:retry", "run failed or cancelled jobs again, with all their attempts",
        "project.db retry UUID", "project.db retry --all-failed --task send_mail",
    )  # fmt: skip
    retry.add_argument("uuids", nargs="*", metavar="UUID")
    retry.add_argument("--all-failed", action="store_true", help="all jobs that ended with an error")
    _add_filter(retry, ())
    cancel = _add(
        commands,
        "cancel",
        "jobs:cancel",
        "stop jobs: a waiting one never starts, a running one is ended",
        "project.db cancel UUID UUID",
    )
    cancel.add_argument("uuids", nargs="+", metavar="UUID")
    run_now = _add(
        commands, "run-now", "schedules:run_now", "run the job of a schedule at once; its times stay as they are",
        "project.db run-now app.report", "project.db run-now report",
    )  # fmt: skip
    run_now.add_argument("name", metavar="NAME", help="as `schedules` lists it; the part after the last dot may do")
    run_now.add_argument("--anyway", action="store_true", help="even if its last job hasn't ended")
    for name, summary in (
        ("pause", "start no more jobs of a queue; running ones go on"),
        ("resume", "start jobs of a queue again"),
    ):
        parser = _add(commands, name, f"schedules:{name}", summary, f"project.db {name}", f"project.db {name} mail")
        parser.add_argument("queue", nargs="?", default=None, metavar="QUEUE", help='(the queue "default")')
        parser.add_argument("--all", action="store_true", help="every queue there is")
    purge = _add(
        commands, "purge", "jobs:purge", "delete finished jobs, their results and tracebacks; asks first",
        "project.db purge --older-than 3600", "project.db purge --status error --yes",
    )  # fmt: skip
    _add_filter(purge, ("done", "error", "cancelled"))
    purge.add_argument("--older-than", type=_seconds, default=0.0, metavar="S", help="that ended so many seconds ago or more")
    purge.add_argument("--yes", action="store_true", help="don't ask")


def _add_rest(commands: Any) -> None:
    settings = _add(
        commands, "settings", "database:settings", "show or change the settings",
        "project.db settings", "project.db settings workers=4 timezone=Europe/Berlin", "project.db settings workers=default",
    )  # fmt: skip
    settings.add_argument("changes", nargs="*", metavar="NAME=VALUE", help="a setting and its new value, or `default`")
    backup = _add(
        commands, "backup", "database:backup", "copy the database to a new file while everything runs",
        "project.db backup /var/backups/project.db",
    )  # fmt: skip
    backup.add_argument("file", metavar="FILE")
    supervise = _add(
        commands, "supervise", "supervise:supervise", "work the jobs in the foreground, for systemd and containers",
        "project.db supervise --app package.module", "/data/jobs.db supervise --app 'package.module:create_app()'",
    )  # fmt: skip
    supervise.add_argument("--app", metavar="IMPORT", help="package.module[:attribute] of the application, imported from here")
    supervise.add_argument("--wait", action="store_true", help="if another supervisor runs, wait for its end")
    explain = _add(
        commands, "explain", "explain:explain", "a cron expression in words, and its next runs",
        'explain "30 9 0,2 * *"', 'explain "30 9 * * mon,wed" --dialect unix --timezone Europe/Berlin',
        "explain - < expressions.txt",
    )  # fmt: skip
    explain.add_argument("expression", nargs="+", metavar="EXPR", help="an expression, or - to read one a line")
    explain.add_argument("--dialect", choices=("autocron", "unix"), help="(autocron, with a warning where unix differs)")
    explain.add_argument("--timezone", metavar="ZONE", help="an IANA name (the machine's)")
    explain.add_argument("--from", dest="start", metavar="ISO", help="list the runs after this moment (now)")
    explain.add_argument("--count", type=_count, default=5, metavar="N", help="how many runs (5)")
    completion = _add(
        commands, "completion", "completion:completion", "print a script that completes commands in a shell",
        'completion bash               for ~/.bashrc: eval "$(autocron completion bash)"',
    )  # fmt: skip
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))


def _version() -> str:
    return str(sys.modules["autocron"].__version__)  # loaded before any of its modules
