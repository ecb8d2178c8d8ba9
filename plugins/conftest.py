"""For the tests of all adapters."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scene import Scene

IMPORTED = """
import sys
before = set(sys.modules)
import {names}
print(*{{name.partition(".")[0] for name in set(sys.modules) - before}})
"""


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    try:
        yield scene
    finally:
        scene.clear()
    assert not scene.processes()


@pytest.fixture
def imported_by() -> Callable[[str], set[str]]:
    """The packages outside of the standard library that an import brings into a fresh process."""

    def look(names: str) -> set[str]:
        command = [sys.executable, "-W", "ignore", "-c", IMPORTED.format(names=names)]
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout
        return {name for name in said.split() if name not in sys.stdlib_module_names}

    return look
