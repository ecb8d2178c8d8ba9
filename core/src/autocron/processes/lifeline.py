"""The end of a process whose guardian has gone.

A lifeline is a pipe: the supervisor holds the writing end, one worker the reading end, and nothing is ever written.
When the supervisor ends, however it ends, the kernel closes the pipe and the worker ends with it. Each worker has
its own: the signal's owner is kept with the open pipe, not with the process.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import threading

_F_SETSIG = 10  # Linux; the fcntl module has no name for it


def end_with(lifeline: int) -> None:
    """End this process and its process group as soon as the lifeline closes.

    On Linux the kernel itself does it: the pipe's signal is KILL and goes to the whole group, so neither code that
    holds the interpreter's lock nor a child of a job outlives the supervisor. Elsewhere a thread waits for it.
    """
    if sys.platform.startswith("linux"):
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(lifeline, _F_SETSIG, signal.SIGKILL)
        flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC | os.O_NONBLOCK)
        # The supervisor may have gone before the signal was set up.
        with contextlib.suppress(BlockingIOError):
            if not os.read(lifeline, 1):
                os.killpg(0, signal.SIGKILL)
        return

    def wait() -> None:
        os.set_blocking(lifeline, True)
        os.read(lifeline, 1)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=wait, name="autocron-lifeline", daemon=True).start()
