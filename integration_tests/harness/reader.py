"""A reader who types the commands of a page: on a ground of its own, in a shell, with a project that the page assumes.

What a page calls by an example's name is what there is here: a port, a folder, a database, the uuid of a job.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import signal
import subprocess
import urllib.request
from dataclasses import dataclass, field

from integration_tests.harness import jobs
from integration_tests.harness.ground import PATIENCE, Ground, UnfulfilledError
from integration_tests.harness.servers import Server

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ANY_UUID = re.compile(rf"{UUID.pattern}|<uuid>|\bUUID\b")

SERVERS = {
    # A program that serves: what tells it the port, if the page's command doesn't. It stands right behind these words.
    "flask run": "--port {port}",
    "gunicorn": "--bind 127.0.0.1:{port}",
    "uvicorn": "--port {port}",
    "hypercorn": "--bind 127.0.0.1:{port}",
    "waitress-serve": "--listen 127.0.0.1:{port}",
    "python manage.py runserver": "{port}",
    "python -m pyramid.scripts.pserve": "",
    "python application.py": "",  # these two know the variable PORT
    "python app.py": "",
}

PROGRAMS = {"autocron", "cd", "curl", "pytest", "python", *(words.split()[0] for words in SERVERS)}
"""What a reader starts. Everything else might do something to this machine."""


@dataclass
class Reader:
    """``names``: what stands in the page, and what it is here."""

    ground: Ground
    names: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str | None] = field(default_factory=dict)
    service: subprocess.Popen[bytes] | None = None
    """What works the jobs of the project from the beginning to the end, if the page assumes that."""
    server: Server | None = None
    uuid: str = ""
    """The job that was ordered last."""

    def types(self, command: str, shown: str = "") -> None:
        """Execute it to its good end, and find in its output what the page shows beneath it. A server stays for what follows."""
        for part in re.split(r" && | \| |; ", command):
            program = re.sub(r"^(\w+=\S+ )+", "", part).split()[0]
            assert program in PROGRAMS, (
                f"$ {command}: may {program} be started? Then it belongs in PROGRAMS, else in NOT_EXECUTED"
            )
        for name, here in self.names.items():
            command = command.replace(name, here)
        if (serving := serving_words(command)) is not None:
            self._serve(command, serving)
        elif " supervise" in command or (" watch" in command and "--count" not in command):
            self._keep_open(command)
        elif command.startswith("curl "):
            self._curl(command, shown)
        else:
            self._run(_ANY_UUID.sub(lambda _: self._job_for(command), command), shown)

    def leaves(self) -> None:
        """Type Ctrl-C where the server runs, which is for all of its processes, and wait for the supervisor to follow."""
        self._interrupt()
        self.ground.wait_until(lambda: not self.ground.supervisors(), "the supervisor has followed the server")

    def goes_home(self) -> None:
        """End everything that was started here; nothing is left of it."""
        self._interrupt()
        if self.service is not None:
            self.service.terminate()
        self.ground.wait_until_nobody_is_left()

    def _interrupt(self) -> None:
        """As often as it takes: a server that is just answering may hold the first for trouble with that (wsgiref does)."""
        if self.server is not None:
            self.ground.wait_until(self._heeds_ctrl_c, "the server has ended by Ctrl-C")
            self.server = None

    def _heeds_ctrl_c(self) -> bool:
        assert self.server is not None
        os.killpg(self.server.popen.pid, signal.SIGINT)
        try:
            self.server.popen.wait(5)
        except subprocess.TimeoutExpired:
            return False
        return True

    # -- one command ---------------------------------------------------------------------------------------

    def _run(self, command: str, shown: str) -> None:
        good = (0, 1) if " doctor" in command else (0,)  # it may find something wrong with this machine

        last = ""

        def told() -> bool:
            nonlocal last
            ended = self.ground.run(["sh", "-c", command], environment=self.environment)
            assert ended.returncode in good, (
                f"$ {command}\nexit status {ended.returncode}\n{ended.stdout}\n{self.ground.evidence()}"
            )
            last = ended.stdout
            return is_like(shown, last)

        try:
            self.ground.wait_until(told, f"$ {command} shows\n{shown}", look_every=0.5)
        except UnfulfilledError as error:
            raise UnfulfilledError(f"$ {command} shows\n{last}\n{error}") from None

    def _serve(self, command: str, serving: str) -> None:
        self._interrupt()
        says_port = re.search(r"(?<=[: =])(8000|5000)\b", command)

        def line(port: int) -> list[str]:
            if says_port:
                mine = re.sub(r"(?<=[: =])(8000|5000)\b", str(port), command)
            else:
                mine = command.replace(serving, f"{serving} {SERVERS[serving].format(port=port)}", 1)
            return ["sh", "-c", _replacing_the_shell(mine)]

        self.server = Server(self.ground, line, environment=self.environment)
        self.server.answers()

    def _keep_open(self, command: str) -> None:
        """A command that stays in the foreground: once it works, it is ended by a signal, and says that all was well."""
        if self.server is not None:
            self.leaves()
        output = self.ground.home.parent / f"kept-open-{len(self.ground.outputs)}.txt"
        process = self.ground.start(["sh", "-c", _replacing_the_shell(command)], environment=self.environment, output=output)
        self.ground.wait_until(
            lambda: process.poll() is not None or (self.ground.workers() and " works " in output.read_text()),
            f"$ {command} works",
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0, f"$ {command}\n{self.ground.evidence()}"

    def _curl(self, command: str, shown: str) -> None:
        """As curl would, which not every machine has. A question is asked again until the answer is the one that is shown."""
        options = argparse.ArgumentParser(allow_abbrev=False)
        options.add_argument("-X", dest="method")
        options.add_argument("-d", dest="data", action="append", default=[])
        options.add_argument("address")
        asked = options.parse_args(shlex.split(_ANY_UUID.sub(lambda _: self.uuid, command))[1:])
        assert self.server is not None, f"$ {command}: nothing serves in this page"
        address = re.sub(r"^(http://)?(127\.0\.0\.1|localhost):\d+", f"http://127.0.0.1:{self.server.port}", asked.address)
        request = urllib.request.Request(address, "&".join(asked.data).encode() or None, method=asked.method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

        told = ""

        def answered() -> bool:
            nonlocal told
            with opener.open(request, timeout=PATIENCE) as response:
                told = response.read().decode()
            return is_like(shown, told)

        patience = 0 if asked.data or asked.method else PATIENCE
        try:
            self.ground.wait_until(answered, f"$ {command} shows\n{shown}", timeout=patience, look_every=0.1)
        except UnfulfilledError as error:
            raise UnfulfilledError(f"$ {command} shows\n{told}\n{error}") from None
        found = UUID.search(told)
        self.uuid = found[0] if found else self.uuid

    def _job_for(self, command: str) -> str:
        """The job that such a command is for: one that failed, one that runs, or the one that was ordered last."""
        if self.uuid:
            return self.uuid
        state = "running" if " cancel " in command else "error"
        database = self.ground.database("project.db")
        return self.ground.wait_until(lambda: jobs.uuid_of(database, state), f"a job is {state}")


def serving_words(command: str) -> str | None:
    """Those with which a command begins that serves, None for another one."""
    plain = re.sub(r"^(\w+=\S+ )+", "", command)
    return next((words for words in SERVERS if f"{plain} ".startswith(f"{words} ")), None)


def is_like(shown: str, told: str) -> bool:
    """Whether this is in the output: ``…`` is anything, numbers and uuids are any, and so are gaps."""
    pattern = r"\s+".join(_pattern(word) for word in shown.split())
    return re.search(pattern, told, re.DOTALL) is not None


def _pattern(word: str) -> str:
    parts = re.split(rf"(…|{UUID.pattern}|\d+)", word)
    known = {"…": ".*?"}
    return "".join(
        known.get(part) or (UUID.pattern if UUID.fullmatch(part) else r"\d+" if part.isdigit() else re.escape(part))
        for part in parts
    )


def _replacing_the_shell(command: str) -> str:
    """So that signals reach the last program of the line itself."""
    *first, last = command.split(" && ")
    return " && ".join([*first, f"exec env {last}"])
