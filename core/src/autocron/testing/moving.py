"""A clock that stands still until a test moves it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autocron import clock


class MovableClock:
    """Stands in for the clock of the whole package. ``passing`` is called where somebody sleeps, with the seconds."""

    def __init__(self, wall: int | None, passing: Callable[[float], object]) -> None:
        self.wall: int = clock.now() if wall is None else wall
        self.steady: float = clock.monotonic()
        self._passing = passing
        self._real: dict[str, Any] = {}

    def move_to(self, moment: int) -> None:
        """Later only."""
        self.steady += (moment - self.wall) / clock.MICROSECONDS
        self.wall = moment

    def take_over(self) -> None:
        async def sleep_async(seconds: float) -> None:
            await self._real["sleep_async"](0)  # others of the loop get their turn
            self._passing(seconds)

        seam = clock.__dict__
        self._real = {name: seam[name] for name in ("now", "monotonic", "sleep", "sleep_async")}
        seam.update(now=lambda: self.wall, monotonic=lambda: self.steady, sleep=self._passing, sleep_async=sleep_async)

    def give_back(self) -> None:
        clock.__dict__.update(self._real)
