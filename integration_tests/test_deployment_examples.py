"""The files in ``examples/deployment`` do what they are for, and the documentation shows these very files."""

from __future__ import annotations

import configparser
import shlex
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml

from autocron.cli.parser import make_parser
from autocron.model import Settings
from integration_tests.harness import Ground, Server, pages
from integration_tests.harness.ground import PATIENCE
from integration_tests.harness.pages import ROOT

PAGE = ROOT / "docs" / "deployment.md"
UNIT, COMPOSE = (ROOT / "examples" / "deployment" / name for name in ("shop-jobs.service", "compose.yaml"))
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]


def unit() -> configparser.ConfigParser:
    found = configparser.ConfigParser(strict=True, interpolation=None)
    found.optionxform = str  # type: ignore[assignment]
    found.read_string(UNIT.read_text())
    return found


def here(ground: Ground, line: str) -> list[str]:
    """A command of the files, with the places of this ground in place of theirs."""
    places = {
        "/srv/shop/venv/bin/": "",
        "/var/lib/shop/": f"{ground.home}/",
        "/data/": f"{ground.home}/",
        "0.0.0.0": "127.0.0.1",
    }
    for theirs, ours in places.items():
        line = line.replace(theirs, ours)
    return shlex.split(line)


@pytest.fixture
def shop(ground: Ground) -> Ground:
    shutil.copytree(ROOT / "integration_tests" / "documented" / "shop", ground.code / "shop")
    return ground


def test_the_unit_of_systemd_works_jobs_and_ends_in_order(shop: Ground) -> None:
    service = unit()["Service"]
    assert unit().sections() == ["Unit", "Service", "Install"]
    assert (service["Type"], service["KillMode"]) == ("notify", "mixed")
    started = shop.start(here(shop, service["ExecStart"]), environment={"SHOP_JOBS": str(shop.home / "jobs.db")})
    shop.wait_for_one_supervisor()
    started.send_signal(signal.SIGTERM)
    assert started.wait(PATIENCE) == 0, shop.evidence()
    shop.wait_until_nobody_is_left()


def test_the_two_containers_work_together(shop: Ground) -> None:
    environment = {"SHOP_JOBS": str(shop.home / "jobs.db")}
    web, work = SERVICES["web"], SERVICES["jobs"]
    assert web["volumes"] == work["volumes"]
    jobs = shop.start(here(shop, work["command"]), environment=environment)
    (port,) = {port.partition(":")[2] for port in web["ports"]}
    server = Server(
        shop,
        lambda free: here(shop, web["command"].replace(f":{port}", f":{free}")),
        environment={**environment, **web["environment"]},
    )
    uuid = server.call()
    with_health = ["sh", "-c", shlex.join(here(shop, shlex.join(work["healthcheck"]["test"][1:])))]
    shop.wait_until(lambda: shop.run(with_health).returncode == 0, "it is healthy", look_every=0.5)
    shown = ["autocron", str(shop.home / "jobs.db"), "show", uuid]
    shop.wait_until(lambda: "attempt 1: done" in shop.run(shown).stdout, "the job is done", look_every=0.2)
    jobs.send_signal(signal.SIGTERM)
    assert jobs.wait(PATIENCE) == 0, shop.evidence()
    shop.wait_until(lambda: shop.run(with_health).returncode == 1, "it isn't healthy any more", look_every=0.5)
    assert not shop.supervisors()  # the web process has started none
    server.end()
    shop.wait_until_nobody_is_left()


def test_each_probe_of_a_cluster_asks_what_the_command_line_answers() -> None:
    (probes,) = [yaml.safe_load(block.text) for block in pages.blocks(PAGE) if "Probe:" in block.text]
    assert set(probes) == {"startupProbe", "readinessProbe"}
    for probe in probes.values():
        program, *arguments = probe["exec"]["command"]
        options = make_parser().parse_args(arguments)
        assert (program, options.command, options.check) == ("autocron", "status", True)


def test_they_wait_longer_than_the_grace_of_running_jobs() -> None:
    assert int(unit()["Service"]["TimeoutStopSec"]) > Settings().shutdown_grace
    assert int(SERVICES["jobs"]["stop_grace_period"].removesuffix("s")) > Settings().shutdown_grace


@pytest.mark.parametrize("file", [UNIT, COMPOSE], ids=lambda file: file.name)
def test_the_documentation_shows_the_very_file(file: Path) -> None:
    assert file.read_text().rstrip() in PAGE.read_text()
