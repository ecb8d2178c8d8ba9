"""Fails unless each package's public interface is fully typed: python complete_types.py PYRIGHT PACKAGE…

It is `pyright --verifytypes` at 100 %.
"""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = [str(folder) for folder in (ROOT / "core" / "src", *sorted(ROOT.glob("plugins/*/src")))]


def problems(pyright: str, package: str) -> list[str]:
    """What keeps the package from 100 %."""
    answered = subprocess.run(
        [pyright, "--pythonpath", sys.executable, "--ignoreexternal", "--outputjson", "--verifytypes", package],
        # Neither editable installs nor packages of stubs (Django's) are looked for by itself; both are named instead.
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*SOURCES, sysconfig.get_path("purelib")])},
        cwd=ROOT / ".ci",  # the project's own configuration is for checking it, not for using it
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    report = json.loads(answered.stdout)["typeCompleteness"]
    if "pyTypedPath" not in report or not report["symbols"]:
        return [f"{package} has no py.typed, or can't be imported"]
    found = [
        f"{symbol['name']}: {found['message']} ({found.get('file', '')})"
        for symbol in report["symbols"]
        if symbol["isExported"] and not (symbol["isTypeKnown"] and not symbol["isTypeAmbiguous"])
        for found in symbol["diagnostics"]
        if "docstring" not in found["message"]
    ]
    return (
        found if found or report["completenessScore"] == 1 else [f"{package}: {report['completenessScore']:.1%} of its names"]
    )


status = 0
for package in sys.argv[2:]:
    found = problems(os.path.abspath(sys.argv[1]), package)
    print(f"public types of {package}: {'100 %' if not found else f'{len(found)} incomplete'}")
    if found:
        status = 1
        print(
            "\n".join(found), "remedy: write the type at the name's first assignment; a module's constant is a Final", sep="\n"
        )
sys.exit(status)
