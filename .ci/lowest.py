"""constraints.txt with the lowest versions that the given pyproject.toml files allow, on standard output."""

import re
import sys
import tomllib
from pathlib import Path


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
        print(f"{name}=={bounds[name]}" if name in bounds else line)


main(sys.argv[1:])
