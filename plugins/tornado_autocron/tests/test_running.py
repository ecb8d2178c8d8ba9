"""The block itself. Under pytest tasks run in the caller, so nothing is started here."""

from __future__ import annotations

import asyncio

import pytest

import autocron
import tornado_autocron


@autocron.delay
async def double(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


def test_the_block_starts_the_instance_and_stops_it_when_its_code_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[object] = []
    monkeypatch.setattr(autocron.Autocron, "start", lambda self, *database, **settings: events.append((database, settings)))
    monkeypatch.setattr(autocron.Autocron, "stop", lambda self: events.append("stop"))
    mine = autocron.Autocron()

    async def main() -> None:
        async with tornado_autocron.running("jobs.db", instance=mine, workers=2) as running:
            assert running is mine
            raise OSError("the port is taken")

    with pytest.raises(OSError, match="the port is taken"):
        asyncio.run(main())
    assert events == [(("jobs.db",), {"workers": 2}), "stop"]


def test_g66_a_setting_that_cannot_be_is_refused_before_the_block_is_entered() -> None:
    async def main() -> None:
        async with tornado_autocron.running("jobs.db", wrokers=2):
            raise AssertionError("entered")

    with pytest.raises(autocron.ConfigurationError, match="wrokers"):
        asyncio.run(main())


def test_g62_an_async_task_is_awaited_in_a_test_without_any_worker() -> None:
    async def main() -> int:
        async with tornado_autocron.running("jobs.db"):
            return await double(21)

    assert asyncio.run(main()) == 42
