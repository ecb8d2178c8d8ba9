"""``metrics`` as Prometheus's own parser reads them."""

from __future__ import annotations

from typing import Any

import pytest
from command import Filled, fine
from prometheus_client.parser import text_string_to_metric_families

from autocron import cli
from autocron.clock import MICROSECONDS


def read(filled: Filled, capsys: pytest.CaptureFixture[str]) -> dict[Any, Any]:
    assert cli.main([str(filled.path), "metrics"]) == 0
    return parsed(capsys.readouterr().out)


def parsed(text: str) -> dict[Any, Any]:
    """Every sample by its name and its label, and each metric's type."""
    found: dict[Any, Any] = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation, family.name
        for sample in family.samples:
            key = (sample.name, *sample.labels.values())
            assert key not in found
            found[key] = sample.value
        found[f"type of {family.name}"] = family.type
    return found


def test_every_number_has_its_type_and_help(filled: Filled) -> None:
    filled.schedule('shop."report"\\1', next_run_at=filled.now + 5 * MICROSECONDS)
    filled.held()
    filled.running()
    filled.add(queue="mail")
    filled.store.database.write("insert into paused_queues values ('mail')")
    seen = parsed(fine(filled.path, "metrics").out)
    assert seen["autocron_healthy",] == seen["autocron_supervisor_up",] == seen["autocron_workers",] == 0
    assert seen["autocron_jobs", "ready"] == seen["autocron_jobs", "held"] == seen["autocron_jobs", "running"] == 1
    assert seen["autocron_queue_paused_jobs", "mail"] == 1
    assert seen["autocron_schedule_active", 'shop."report"\\1'] == 0
    due = seen["autocron_schedule_next_run_timestamp_seconds", 'shop."report"\\1']
    assert due == pytest.approx(filled.now / MICROSECONDS + 5, abs=0.001)
    assert seen["autocron_database_bytes",] == filled.path.stat().st_size
    assert seen["autocron_disk_free_bytes",] > 0
    kinds = {name: kind for name, kind in seen.items() if isinstance(name, str)}
    assert kinds.pop("type of autocron_jobs_finished") == "counter"
    assert set(kinds.values()) == {"gauge"}


def test_counters_never_go_back(filled: Filled, capsys: pytest.CaptureFixture[str]) -> None:
    def ends() -> list[float]:
        seen = read(filled, capsys)
        return [seen["autocron_jobs_finished_total", status] for status in ("done", "error", "cancelled")]

    assert ends() == [0, 0, 0]
    for _ in range(3):
        filled.done()
    failed = filled.failed()
    filled.store.cancel(filled.add(), filled.now + 10**10, filled.now)
    assert ends() == [3, 1, 1]
    assert cli.main([str(filled.path), "retry", failed]) == 0
    capsys.readouterr()
    assert ends() == [3, 1, 1]
    filled.store.expire(filled.now + 10**12, 500)
    assert cli.main([str(filled.path), "purge", "--yes"]) == 0
    capsys.readouterr()
    assert ends() == [3, 1, 1]
    assert read(filled, capsys)["autocron_jobs", "done"] == 0
