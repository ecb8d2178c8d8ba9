"""constraints.txt with the lowest versions that the given pyproject.toml files allow, on standard output."""

import re
import sys
import tomllib
from pathlib import Path

FREE = ("fastapi", "pydantic", "pydantic_core")
"""Only tests want them, and the pinned FastAPI wants a newer Starlette than the lowest: pip finds an older one."""


def lowest(projects: list[str]) -> dict[str, str]:
    """The lower bounds of all dependencies, by name."""
    bounds = {}
    for project in projects:
        for dependency in tomllib.loads(Path(project).read_text())["project"]["dependencies"]:
            if found := re.match(r"([\w.-]+)\s*>=\s*([\w.]+)", dependency):
                bounds[found[1].lower()] = found[2]
    return bounds


def main(projects: list[str]) -> None:
    bounds = lowest(projects)
    for line in Path("constraints.txt").read_text().splitlines():
        name = line.partition("==")[0].lower()
        if name in FREE:
            continue
        print(f"{name}=={bounds[name]}" if name in bounds else line)


main(sys.argv[1:])
