"""What a supervisor takes over from the process that starts it, and what it doesn't."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
from running import Application, Running

TAKE_A_PORT = """
import signal, socket
port = socket.create_server(("127.0.0.1", 0))
port.set_inheritable(True)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
"""


@pytest.fixture
def starter(running: Running) -> Application:
    """It has a port, open for children, and the supervisor has been started by it."""
    app = Application(running)
    running.applications.append(app)
    app.ask(TAKE_A_PORT)
    assert app.ask(f"autocron.start({str(running.database)!r})") is True
    return app


def test_a_supervisor_keeps_no_port_of_its_starters_busy(running: Running, starter: Application) -> None:
    port = starter.ask("port.getsockname()[1]")
    running.supervisor()
    with pytest.raises(OSError, match="in use"), socket.socket() as early:
        early.bind(("127.0.0.1", port))
    starter.kill()
    with socket.socket() as late:
        late.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        late.bind(("127.0.0.1", port))
        late.listen()
    assert running.locks.supervisor_pid() is not None, running.evidence()


def test_a_supervisor_has_a_session_of_its_own(running: Running, starter: Application) -> None:
    supervisor = running.supervisor()
    assert os.getsid(supervisor) == os.getpgid(supervisor) == supervisor
    assert os.getsid(starter.pid) != supervisor


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="what another process has open is read from /proc")
def test_a_supervisor_has_neither_its_starters_folder_nor_its_input(running: Running, starter: Application) -> None:
    supervisor = running.supervisor()
    assert os.readlink(f"/proc/{starter.pid}/cwd") == str(running.folder)
    assert os.readlink(f"/proc/{supervisor}/cwd") == "/"
    assert os.readlink(f"/proc/{supervisor}/fd/0") == os.devnull
    assert os.readlink(f"/proc/{supervisor}/fd/1") == str(running.output)


def test_a_start_loads_nothing_by_which_only_workers_are_started(running: Running) -> None:
    script = "import autocron, sys; print(autocron.start(sys.argv[1]), {'signal', 'subprocess'} & set(sys.modules))"
    with running.output.open("w") as output:  # which is the supervisor's, too
        command = [sys.executable, "-c", script, str(running.database)]
        subprocess.run(command, stdout=output, stderr=output, timeout=60, check=True)
    assert "True set()" in running.output.read_text().splitlines()
