"""What signals do: their defaults in a process of ours, KILL for a worker and all that its jobs started, ended children.

Apart from ``spawn``, for ``signal`` is dear: a start that finds a supervisor has no use for it.
"""

from __future__ import annotations

import contextlib
import os
import signal


def reset_signals() -> None:
    """Undo dispositions and masks that came by inheritance, such as a TERM that the server's starter ignored."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def kill_group(pid: int) -> bool:
    """KILL a worker and everything its jobs started. ``pid`` must not have been reaped. False when it is gone."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # macOS answers EPERM for a group of zombies; a worker too young to have its group is killed alone.
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return False
    return True


def reap_child() -> tuple[int, int] | None:
    """A child that has ended, and its wait status; None if there is none. What it has left of its group ends with it."""
    try:
        if not hasattr(os, "waitid"):  # macOS, before Python 3.13
            return _reap_first()
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found is None:
            return None
        kill_group(found.si_pid)  # still a zombie, so neither its number nor its group's can be another's yet
        return os.waitpid(found.si_pid, 0)
    except ChildProcessError:
        return None


def _reap_first() -> tuple[int, int] | None:
    pid, status = os.waitpid(-1, os.WNOHANG)
    if not pid:
        return None
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)  # no process gets the number of a group that somebody is in
    return pid, status
