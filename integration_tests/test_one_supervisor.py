"""One supervisor, whatever the server does; and new code is what new jobs run."""

from __future__ import annotations

import itertools
import re
import signal
import time

import pytest

from integration_tests.harness import Ground, Shop, jobs

RELOADERS = [
    "flask run --debug",
    "app.run(debug=True)",
    "gunicorn --reload",
    "uvicorn --reload",
    "bottle reloader",
    "tornado autoreload",
    "pserve --reload",
]


def test_g1_four_web_processes_have_one_supervisor_and_one_job_per_slot(ground: Ground) -> None:
    shop = Shop(ground, "-m gunicorn beats:app --bind 127.0.0.1:{port} --workers 4")
    database = ground.database("shop.db")
    answered: set[int] = set()

    def watched_long_enough() -> bool:
        answered.add(shop.code()[1])
        ended = jobs.rows(database, "select id from jobs where schedule is not null and state = 'done'")
        return len(answered) == 4 and len(ended) >= 14

    ground.wait_until(watched_long_enough, "all four have answered, and seven slots of both schedules are done")
    now = time.time_ns() // 1000
    assert len(ground.supervisors_ever()) == 1
    assert {str(process.pid) for process in ground.supervisors()} == ground.supervisors_ever()
    for name in ("cron", "periodic"):
        query = "select slot, state from jobs where schedule like ? and slot < ? order by slot"
        ran = (ground.home / f"{name}-beats").read_text().splitlines()
        slots = [row["slot"] for row in jobs.rows(database, query, f"%{name}_beat", now)]
        gaps = [later - earlier for earlier, later in itertools.pairwise(slots)]
        assert len(slots) >= 5
        assert all(gap > 0 and gap % 1_000_000 == 0 for gap in gaps), gaps
        assert len([line for line in ran if float(line.split()[1]) * 1_000_000 < now]) <= len(slots)


@pytest.mark.parametrize("name", RELOADERS)
def test_g2_g12_a_reload_keeps_the_supervisor_and_new_jobs_run_the_new_code(ground: Ground, name: str) -> None:
    shop = Shop(ground, name)
    assert shop.result(shop.call("/call/version")) == '"first"'
    held = shop.hold("long")
    shop.deploy_and_wait("second")
    assert shop.result(shop.call("/call/version")) == '"second"'
    row = shop.job(held)
    assert (row["state"], row["attempt"]) == ("running", 1)
    shop.open_gate("long")
    assert shop.result(held) == '"first"'
    assert shop.job(held)["attempt"] == 1
    assert len(shop.began("long")) == 1
    assert len(ground.supervisors()) == 1
    assert len(ground.supervisors_ever()) == 1
    ground.wait_until(lambda: not ground.zombies(), "nobody leaves a zombie")


@pytest.mark.parametrize("name", RELOADERS)
def test_g4_a_supervisor_killed_after_a_reload_is_replaced_and_leaves_no_zombie(ground: Ground, name: str) -> None:
    shop = Shop(ground, name)
    assert shop.result(shop.call("/call/version")) == '"first"'
    shop.deploy_and_wait("second")
    assert shop.result(shop.call("/call/version")) == '"second"'
    killed = ground.wait_for_one_supervisor()
    killed.kill()  # tornado's reload is an exec: the process doesn't remember that this is its child
    ground.wait_until(lambda: [p for p in ground.supervisors() if p.pid != killed.pid], "another supervisor runs")
    assert shop.result(shop.call("/call/version")) == '"second"'
    ground.wait_until(lambda: not ground.zombies(), "nobody leaves a zombie", timeout=15)


@pytest.mark.parametrize("name", RELOADERS)
def test_g4_nothing_is_left_after_kill_of_a_reloader_and_its_children(ground: Ground, name: str) -> None:
    shop = Shop(ground, name)
    shop.hold("long", "hold_with_child")
    for process in shop.web_processes():
        if process.command[0] != "sleep":
            process.kill()
    seconds = ground.wait_until_nobody_is_left()
    ground.measured(f"from KILL of {name} to the end of all", seconds)
    assert seconds < 8


@pytest.mark.parametrize(
    "name",
    [
        "flask run --debug --no-reload",
        "gunicorn",
        "gunicorn gthread",
        "gunicorn gevent",
        "waitress",
        "uvicorn 2 workers",
        "hypercorn 2 workers",
    ],
)
def test_g2_no_guard_keeps_the_supervisor_from_starting(ground: Ground, name: str) -> None:
    shop = Shop(ground, name, environment={"FLASK_DEBUG": "1"})
    assert shop.result(shop.call("/call/version")) == '"first"'
    ground.wait_for_one_supervisor()
    assert len(ground.supervisors_ever()) == 1


def test_g2_debug_in_the_environment_changes_nothing_for_gunicorn_with_four_workers(ground: Ground) -> None:
    shop = Shop(ground, "gunicorn 4 workers", environment={"FLASK_DEBUG": "1", "FLASK_ENV": "development"})
    shop.answering(4)
    assert shop.result(shop.call("/call/version")) == '"first"'
    assert len(ground.supervisors_ever()) == 1


def test_g12_code_deployed_under_gunicorn_is_what_jobs_run_after_hup(ground: Ground) -> None:
    shop = Shop(ground, "gunicorn 4 workers")
    assert shop.result(shop.call("/call/version")) == '"first"'
    held = shop.hold("long")
    shop.deploy("second")
    shop.popen.send_signal(signal.SIGHUP)
    old = set(re.findall(r"Booting worker with pid: (\d+)", shop.said))

    def all_new() -> bool:
        booted = re.findall(r"Booting worker with pid: (\d+)", shop.said)
        return len(booted) >= 8 and shop.code()[0] == "second" and not old & {str(p.pid) for p in ground.processes()}

    ground.wait_until(all_new, "four new workers serve, the old ones have gone")
    assert shop.result(shop.call("/call/version")) == '"second"'
    shop.open_gate("long")
    assert shop.result(held) == '"first"'
    assert len(shop.began("long")) == 1
    assert len(ground.supervisors_ever()) == 1


@pytest.mark.parametrize("name", ["flask run", "gunicorn --preload"])
def test_g12_code_deployed_while_the_server_is_restarted_is_what_jobs_run(ground: Ground, name: str) -> None:
    shop = Shop(ground, name)
    assert shop.result(shop.call("/call/version")) == '"first"'
    shop.end()
    shop.deploy("second")
    again = Shop(ground, name, apps=None)  # the supervisor and its worker have stayed for a while
    assert again.result(again.call("/call/version")) == '"second"'
    assert len(ground.supervisors_ever()) == 1
