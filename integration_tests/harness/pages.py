"""The code in the documentation: found in its pages, and executed as a reader would.

``python -m integration_tests.harness.pages PAGE FOLDER`` executes a page's Python blocks, in their order, in that folder.
A block whose first line is a comment with a file's name (``# tasks.py``) becomes that file and is imported as that
module; files of tests (``# test_shop.py``) are handed to pytest at the end. All other blocks of a page share one module.
"""

from __future__ import annotations

import os
import re
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(
    r"^(?P<indent> *)(?P<fence>```+)(?P<language>[^`\n]*)\n(?P<text>.*?)^(?P=indent)(?P=fence) *$", re.MULTILINE | re.DOTALL
)
_FILE = re.compile(r"# (?P<name>[\w/]+\.py)\b")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page. ``line`` is where its text begins."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def file(self) -> str | None:
        """The file that a reader would put it in, None if it doesn't say."""
        found = _FILE.match(self.text)
        return found["name"] if found else None

    @property
    def commands(self) -> list[tuple[str, str]]:
        """The commands of a console block, without their prompt and comments, each with the output shown beneath it."""
        parts = re.split(r"^\$ ", re.sub(r"\\\n", " ", self.text), flags=re.MULTILINE)
        typed = [part.partition("\n") for part in parts[1:]]
        return [(re.sub(r"\s+#.*", "", command).strip(), shown.strip()) for command, _, shown in typed]


def pages() -> list[Path]:
    """Every page that is written for people: the documentation, and each README."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "core" / "README.md"]
    for folder in ("docs", "plugins", "examples", "benchmarks"):
        found += sorted(
            path for path in (ROOT / folder).rglob("*.md") if not {"_build", "node_modules", ".venv"} & {*path.parts}
        )
    return found


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        indent = len(found["indent"])
        body = "".join(line[indent:] if line.strip() else line for line in found["text"].splitlines(keepends=True))
        yield Block(page, text.count("\n", 0, found.start("text")) + 1, found["language"], body)


def execute(page: Path, folder: Path) -> int:
    """Execute a page's Python blocks in this folder; the exit status of its tests, 0 if it has none."""
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    reader = _module("page")
    tests = []
    for block in blocks(page):
        if block.language != "python":
            continue
        # Blank lines in front: a traceback shows the page's own line numbers.
        code = compile("\n" * (block.line - 1) + block.text, str(page), "exec", dont_inherit=True)
        if block.file is None:
            exec(code, vars(reader))
            continue
        path = folder / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
        if path.name.startswith(("test_", "conftest")):
            tests.append(str(path))
            continue
        name = block.file.removesuffix(".py").replace("/", ".")
        module = _module(name)
        module.__file__ = str(path)
        exec(code, vars(module))
        vars(reader).update({key: value for key, value in vars(module).items() if not key.startswith("__")})
    if not tests:
        return 0
    import pytest

    return int(pytest.main(["-q", "-p", "no:cacheprovider", f"--rootdir={folder}", *(t for t in tests if "conftest" not in t)]))


def _module(name: str) -> types.ModuleType:
    """A new module under this name; the packages above it are there too."""
    parent, _, child = name.rpartition(".")
    module = types.ModuleType(name)
    if parent:
        package = sys.modules.get(parent) or _module(parent)
        package.__path__ = [str(Path.cwd() / parent.replace(".", "/"))]
        setattr(package, child, module)
    sys.modules[name] = module
    return module


if __name__ == "__main__":
    sys.exit(execute(Path(sys.argv[1]), Path(sys.argv[2])))
