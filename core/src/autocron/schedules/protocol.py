"""What every schedule can do."""

from __future__ import annotations

from typing import Protocol


class Schedule(Protocol):
    """A rule that says when its slots are. Schedules are frozen, comparable and hashable."""

    @property
    def timezone(self) -> str:
        """The IANA name of the zone whose local clock it follows."""
        ...

    def next_after(self, moment: int, *, anchor: int = 0) -> int | None:
        """The first slot strictly after a moment (both in microseconds UTC); ``None`` means never again.

        ``anchor`` is the moment at which the schedule was first registered; intervals count from it.
        """
        ...

    def words(self) -> str:
        """The schedule in English, as in "At 09:30 on Monday and Wednesday (Europe/Berlin)"."""
        ...

    def to_json(self) -> str:
        """Canonical text: equal schedules, and only they, have equal texts."""
        ...
