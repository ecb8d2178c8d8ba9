"""What the documentation says, a reader can do: its Python is executed, its commands are understood."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

import autocron
from autocron import errors
from integration_tests.harness import Ground, Server, pages
from integration_tests.harness.ground import PATIENCE
from integration_tests.harness.pages import ROOT, Block

ALL = list(pages.pages())
SYSTEM = {
    ".",
    "cd",
    "cp",
    "curl",
    "docker",
    "export",
    "git",
    "journalctl",
    "kill",
    "mv",
    "python",
    "python3",
    "sudo",
    "systemctl",
}
BLOCKS = [(page, list(pages.blocks(page))) for page in ALL]


def name_of(value: object) -> str:
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)


@pytest.mark.parametrize("page", [page for page, found in BLOCKS if any(b.language == "python" for b in found)], ids=name_of)
def test_the_python_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "reader"
    home.mkdir()
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "AUTOCRON_"))}
    ended = subprocess.run(
        [
            sys.executable,
            "-W",
            "error::DeprecationWarning:page",
            "-m",
            "integration_tests.harness.pages",
            str(page),
            str(folder),
        ],
        cwd=ROOT,
        env={**environment, "HOME": str(home), "AUTOCRON_DISABLE": "1", "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"


@pytest.mark.parametrize(
    "block",
    [block for _, found in BLOCKS for block in found if block.language == "console"],
    ids=lambda block: f"{name_of(block.page)}:{block.line}",
)
def test_the_commands_of_a_page_are_understood(block: Block) -> None:
    commands = block.commands
    assert commands, "a console block shows commands behind a `$ `; for anything else use ```text"
    for command in commands:
        for part in re.split(r" && | \| ", command):
            check_command(shlex.split(part))


def test_the_reference_has_every_public_name() -> None:
    page = (ROOT / "docs" / "api.md").read_text()
    missing = [
        name
        for name in autocron.__all__
        if not (
            hasattr(autocron.Autocron, name) or hasattr(errors, name) or name in [status.name for status in autocron.Status]
        )
        and f"autocron.{name}" not in page
    ]
    assert set(missing) <= {"Result", "default"}  # another name of TaskResult; the instance behind the functions


def test_the_tutorial_is_a_running_application(ground: Ground) -> None:
    for block in pages.blocks(ROOT / "docs" / "tutorial.md"):
        if block.file in ("tasks.py", "app.py"):
            ground.write(block.file, block.text)
    server = Server(ground, lambda port: [sys.executable, "-m", "flask", "run", "--port", str(port)])
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}/signup/ada@example.org", method="POST")
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        uuid = json.load(answer)["job"]

    def done() -> dict[str, str] | None:
        job: dict[str, str] = json.loads(server.get(f"/jobs/{uuid}"))
        return job if job["status"] == "done" else None

    assert ground.wait_until(done, "the mail is sent")["result"] == "250 accepted for ada@example.org"
    ground.wait_until(lambda: "sent to ada@example.org: welcome" in server.said, "the worker's print is seen")
    shown = ground.run([sys.executable, "-m", "autocron", "tutorial.db", "schedules"])
    assert "forget_old_visitors" in shown.stdout


def check_command(words: list[str]) -> None:
    """The program is there, and what is behind it is something that it knows."""
    while words and re.fullmatch(r"\w+=\S*", words[0]):  # a variable of the environment
        del words[0]
    program, *rest = words
    match program:
        case "make":
            targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
            targets += [f"test-{folder.name.removesuffix('_autocron')}" for folder in (ROOT / "plugins").iterdir()]
            for word in rest:
                assert "=" in word or word in targets, f"the Makefile has no target {word}"
        case "autocron":
            check_autocron(rest)
        case "flask" | "pautocron" if "autocron" in words:
            check_autocron(["project.db", *words[words.index("autocron") + 1 :]])
        case "pip":
            ours = {folder.name.replace("_", "-") for folder in (ROOT / "plugins").iterdir()} | {"autocron"}
            assert rest[0] == "install"
            for word in rest[1:]:
                assert word in ours or word.startswith(("-", ".")) or not word.startswith("autocron"), word
        case _ if program in SYSTEM or program.startswith(".venv/"):
            pass
        case _:
            assert shutil.which(program, path=str(Path(sys.executable).parent)), f"{program} isn't installed here"


def check_autocron(words: list[str]) -> None:
    from autocron.cli.parser import make_parser

    if words[0] in ("--help", "--version") or any("[" in word for word in words):
        return
    try:
        make_parser().parse_args(words if words[0] not in ("explain", "completion") else ["project.db", *words])
    except SystemExit as end:
        assert end.code == 0, words
