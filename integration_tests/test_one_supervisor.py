"""One supervisor, whatever the server does. ``lifecycle`` asks each server; here is what takes another application."""

from __future__ import annotations

import itertools
import time

from integration_tests.harness import Ground, Shop, jobs


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


def test_g2_no_guard_keeps_the_supervisor_from_starting(ground: Ground) -> None:
    shop = Shop(ground, "flask run --debug --no-reload", environment={"FLASK_DEBUG": "1"})
    assert shop.result(shop.call("/call/version")) == '"first"'
    ground.wait_for_one_supervisor()
    assert len(ground.supervisors_ever()) == 1


def test_g2_debug_in_the_environment_changes_nothing_for_gunicorn_with_four_workers(ground: Ground) -> None:
    shop = Shop(ground, "gunicorn 4 workers", environment={"FLASK_DEBUG": "1", "FLASK_ENV": "development"})
    shop.answering(4)
    assert shop.result(shop.call("/call/version")) == '"first"'
    assert len(ground.supervisors_ever()) == 1


def test_g12_code_deployed_while_the_server_is_restarted_is_what_jobs_run(ground: Ground) -> None:
    shop = Shop(ground, "flask run")
    assert shop.result(shop.call("/call/version")) == '"first"'
    shop.end()
    shop.deploy("second")
    again = Shop(ground, "flask run", apps=None)  # the supervisor and its worker have stayed for a while
    assert again.result(again.call("/call/version")) == '"second"'
