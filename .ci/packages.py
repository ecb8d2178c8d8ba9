"""Build every package into a folder, and look at what came of it; ``--install`` tries each in an environment of its own."""

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PROJECTS = [Path("core"), *sorted(path.parent for path in Path("plugins").glob("*/pyproject.toml"))]


def facts(project: Path) -> tuple[str, str, str, list[str]]:
    """Name, version, the name to import, dependencies."""
    found = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    return found["name"], found["version"], found["name"].replace("-", "_"), found["dependencies"]


def check_versions() -> None:
    """One version for all, and each adapter asks for exactly its core."""
    (version,) = {facts(project)[1] for project in PROJECTS}
    source = (PROJECTS[0] / "src/autocron/__init__.py").read_text()
    assert f'__version__ = "{version}"' in source, f"autocron.__version__ isn't {version}"
    for project in PROJECTS[1:]:
        assert f"autocron=={version}" in facts(project)[3], f"{project} must depend on autocron=={version}"


def build(project: Path, target: Path) -> list[Path]:
    """The project's sdist, and the wheel that is built from it."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(target), str(project)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{project} can't be built:\n{ended.stdout}{ended.stderr}"
    _, version, module, _ = facts(project)
    return [target / f"{module}-{version}.tar.gz", target / f"{module}-{version}-py3-none-any.whl"]


def check_contents(project: Path, sdist: Path, wheel: Path) -> None:
    """Everything that git knows of the package is in both, with its types and its licence."""
    module = facts(project)[2]
    tracked = subprocess.run(["git", "ls-files", f"{project}/src"], capture_output=True, text=True, check=True).stdout.split()
    names = {name.removeprefix(f"{project}/src/") for name in tracked}
    assert f"{module}/py.typed" in names, f"{module} has no py.typed"
    packed = set(zipfile.ZipFile(wheel).namelist())
    assert not (missing := names - packed), f"{wheel.name} lacks {missing}"
    assert any(name.endswith("licenses/LICENSE") for name in packed), f"{wheel.name} has no licence"
    with tarfile.open(sdist) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert not (missing := {f"src/{name}" for name in names} - packed), f"{sdist.name} lacks {missing}"


def install_alone(project: Path, file: Path, target: Path) -> str:
    """The file in a clean environment: it can be imported, and brings what it needs."""
    module = facts(project)[2]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = str(Path(folder, "bin", "python"))
        install = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--find-links", str(target), str(file)]
        subprocess.run(install, check=True)
        elsewhere = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        script = f"import {module}, autocron, importlib.metadata as m; print(m.version('autocron'))"
        said = subprocess.run([python, "-c", script], cwd=folder, env=elsewhere, check=True, capture_output=True, text=True)
        subprocess.run([python, "-m", "autocron", "explain", "30 9 * * *"], cwd=folder, check=True, capture_output=True)
    return f"{file.name} alone: import {module} works, with autocron {said.stdout.strip()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("--install", action="store_true")
    options = parser.parse_args()
    check_versions()
    target: Path = options.target.resolve()
    shutil.rmtree(target, ignore_errors=True)
    with ThreadPoolExecutor(2) as pool:
        built = list(pool.map(lambda project: build(project, target), PROJECTS))
        for project, (sdist, wheel) in zip(PROJECTS, built, strict=True):
            check_contents(project, sdist, wheel)
        print(f"{len(built)} packages, as sdist and wheel, all of version {facts(PROJECTS[0])[1]}")
        if options.install:
            each = [(project, file) for project, files in zip(PROJECTS, built, strict=True) for file in files]
            for said in pool.map(lambda pair: install_alone(*pair, target), each):
                print(said)


main()
