"""The adapter that the documentation shows how to write: small, complete, and at work."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import autocron
from integration_tests.harness import Ground, Server

EXAMPLE = Path(__file__).parents[1] / "examples" / "own_adapter"


def test_jobs_of_an_application_with_an_adapter_of_its_own_know_it(ground: Ground) -> None:
    ground.copy(EXAMPLE)
    server = Server(ground, lambda port: [sys.executable, "-m", "uvicorn", "application:app", "--port", str(port)])
    status, body = server.answer("/greet/Ada")
    assert status == 202
    uuid = json.loads(body)["uuid"]

    def result() -> dict[str, object] | None:
        facts = json.loads(server.get(f"/job/{uuid}"))
        return facts["result"] if facts["status"] == "done" else None

    greeting = ground.wait_until(result, "the job is done")
    assert greeting["text"] == "the corner shop greets Ada"
    assert greeting["pid"] in {worker.pid for worker in ground.workers()}
    server.end()
    ground.wait_until_nobody_is_left()


def test_g8_under_pytest_it_starts_nothing_and_a_second_one_is_refused(ground: Ground) -> None:
    ground.copy(EXAMPLE)
    ground.write("pytest.ini", "[pytest]\n")
    ground.write(
        "test_shop.py",
        """
import pytest
import application
import autocron
import tasks
from asgi_autocron import AutocronMiddleware, current_application

def test_greeting():
    current_application.set(application.app)
    assert tasks.greet("Eve").result["text"] == "the corner shop greets Eve"

def test_second():
    with pytest.raises(autocron.ConfigurationError, match="wrap it once"):
        AutocronMiddleware(application.app, "other.db", application="application:app")
""",
    )
    ended = ground.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_shop.py"])
    assert "2 passed" in ended.stdout, ended.stdout
    assert not ground.processes()
    assert not (ground.home / ".autocron").exists()


def test_it_is_under_a_hundred_lines_and_uses_only_what_autocron_names() -> None:
    text = (EXAMPLE / "asgi_autocron.py").read_text()
    assert text.count("\n") < 100
    used = {
        node.attr
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "autocron"
    }
    assert used <= set(autocron.__all__)
    assert "setup_worker" in text
