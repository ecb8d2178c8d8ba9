"""The commands that the documentation shows do what it says: executed in a shell, on the project that a page assumes.

Commands in the middle of the text, which often stand for several, are given to their program's parser.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autocron.cli.parser import DATABASELESS, make_parser
from integration_tests.harness import Ground, pages
from integration_tests.harness.pages import ROOT
from integration_tests.harness.reader import Reader, is_like, serving_words

NOT_EXECUTED = {
    # A command that no test executes, as a pattern of the whole of it, and why.
    r"pip install .*": "it asks a registry; `make build` installs each package alone, from its wheel",
    r"python -m venv venv && \. venv/bin/activate": "the environment of the tests stands for it",
    r"git clone <the repository> autocron && cd autocron": "the address isn't known",
    r"make check": "it is what runs this test, or more",
    r"make test-\w+( ARGS=.*)?": "it is what runs this test, or more",
    r"make demo": "test_demo.py executes it",
    r"make torture": "test_torture.py executes it",
    r"\.venv/\w+/bin/python -m pytest \S+": "an example's name of a test",
    r"autocron DATABASE \[COMMAND\] \[options\]": "a pattern, not a command",
}
LANGUAGES = {
    # What a block may be, and who sees to it that it is right.
    "python": "test_documentation.py executes it",
    "py": "plugins/django_autocron/tests/test_inline.py executes it, as it needs django.tasks",
    "console": "this file executes it",
    "ini": "CONFIGURATION",
    "yaml": "CONFIGURATION",
    "text": "nobody: a drawing, or a line of an environment",
    "{eval-rst}": "make docs",
    "{toctree}": "make docs",
    "{include}": "make docs",
    "{literalinclude}": "make docs",
}
CONFIGURATION = {
    "docs/deployment.md": "test_deployment_examples.py",
    "plugins/pyramid_autocron/README.md": "test_documentation.py",
}
BLOCKS = {page: list(pages.blocks(page)) for page in pages.pages()}


def name_of(value: Path) -> str:
    return str(value.relative_to(ROOT))


def in_the_text(page: Path) -> list[str]:
    """Commands in the middle of a sentence or a table, without those that have a gap, and `make` of the blocks."""
    spans = re.findall(
        r"`((?:autocron|make) [^`]+)`", re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    )
    typed = [command for block in BLOCKS[page] for command, _ in block.commands if command.startswith("make ")]
    return [span.replace("\n", " ").replace("\\|", "|") for span in spans if not re.search("…|EXPR", span)] + typed


def executed(page: Path) -> list[tuple[str, str]]:
    """The commands of a page, and what it shows of their output, without those that no test executes."""
    found = [typed for block in BLOCKS[page] if block.language == "console" for typed in block.commands]
    return [(command, shown) for command, shown in found if not any(re.fullmatch(each, command) for each in NOT_EXECUTED)]


@pytest.fixture
def reader(ground: Ground, page: Path) -> Iterator[Reader]:
    """In a project like that which the page is about."""
    reader = Reader(ground)
    name = name_of(page)
    if (example := re.fullmatch(r"examples/(\w+_app)/README.md", name)) is not None:
        ground.copy(ROOT / "examples" / example[1])
    elif name == "plugins/django_autocron/README.md":
        ground.copy(ROOT / "examples" / "django_app")
    elif name == "docs/tutorial.md":
        for block in BLOCKS[page]:
            if block.file:
                ground.write(block.file, block.text)
    else:
        shop(reader)
    yield reader
    if reader.service is not None:
        ground.write("shop/gate", "")
    reader.goes_home()


def shop(reader: Reader) -> None:
    """A project whose jobs are worked: some have failed, one runs, one waits."""
    ground = reader.ground
    folder = shutil.copytree(ROOT / "integration_tests" / "documented" / "shop", ground.code / "shop")
    service = str(ground.home / "service.db")
    reader.names = {"/srv/shop": str(folder.parent), "/var/lib/shop/jobs.db": service, "/var/backups": str(ground.home)}
    reader.environment = {"SHOP_JOBS": service}
    reader.service = ground.start([sys.executable, "-m", "autocron", "project.db", "supervise", "--app", "shop.web"])
    ground.python(
        "from shop import web; web.send_mail('a@b.c'); web.send_mail('d@e.f'); web.build_index(); web.send_newsletter(1)",
        environment={"AUTOCRON_SUPERVISOR": "external", "PYTHONPATH": str(folder.parent)},
    )


@pytest.mark.parametrize("page", [page for page in BLOCKS if executed(page)], ids=name_of)
def test_the_commands_of_a_page_work_as_it_shows(reader: Reader, page: Path) -> None:
    for command, shown in executed(page):
        reader.types(command, shown)


@pytest.mark.parametrize("page", [page for page in BLOCKS if in_the_text(page)], ids=name_of)
def test_a_command_in_the_text_is_understood(page: Path) -> None:
    for command in in_the_text(page):
        program, *words = shlex.split(re.sub(r" > .*|\$\([^)]*\)", "", command))
        check_make(words) if program == "make" else check_autocron(words)


@pytest.mark.parametrize("pattern", NOT_EXECUTED)
def test_a_command_that_is_not_executed_is_still_in_a_page(pattern: str) -> None:
    commands = [command for found in BLOCKS.values() for block in found for command, _ in block.commands]
    assert any(re.fullmatch(pattern, command) for command in commands)


def test_every_block_is_something_that_is_checked() -> None:
    for page, found in BLOCKS.items():
        assert len(re.findall(r"^ *```", page.read_text(), re.MULTILINE)) == 2 * len(found), f"{page}: a fence of another kind"
        for block in found:
            where = f"{name_of(page)}:{block.line}"
            language = block.language.partition(" ")[0]
            assert language in LANGUAGES, f"{where}: {language!r}"
            assert language not in ("ini", "yaml") or name_of(page) in CONFIGURATION, where
            assert language != "console" or block.commands, f"{where}: a console block shows commands behind `$ `"


def test_the_reader_compares_what_is_shown_with_what_is_told() -> None:
    assert is_like('{"uuid": "…", "pid": 4711}', '{"uuid": "0af3", "pid": 1}\n')
    assert is_like("NAME  NEXT\nreport  Mon", "NAME       NEXT  \n report Mon 9:30")
    assert not is_like('{"status": "done"}', '{"status": "waiting"}')
    assert serving_words("PORT=1 python application.py") == "python application.py"
    assert serving_words("python applications.py") is None


def check_make(words: list[str]) -> None:
    """The Makefile has the target, and a test has what is asked for with -k."""
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    targets += [f"test-{folder.name.removesuffix('_autocron')}" for folder in (ROOT / "plugins").iterdir()]
    for word in words:
        assert "=" in word or word in targets, f"the Makefile has no target {word}"
    asked = shlex.split(" ".join(word.removeprefix("ARGS=") for word in words if word.startswith("ARGS=")))
    if "-k" in asked and "words_of_its_name" not in asked:
        folder = ROOT / ("core/tests" if "test-core" in words else "integration_tests")
        names = " ".join(f"{path.stem} {path.read_text()}" for path in folder.rglob("*.py"))
        for name in set(re.findall(r"\w+", asked[asked.index("-k") + 1])) - {"or", "and", "not"}:
            assert re.search(rf"test_\w*{name}", names), f"no test in {folder} is called {name}"


def check_autocron(words: list[str]) -> None:
    if words[0].startswith("-"):
        return
    try:
        make_parser().parse_args(["project.db", *words] if words[0] in DATABASELESS else words)
    except SystemExit as end:
        assert end.code == 0, words
