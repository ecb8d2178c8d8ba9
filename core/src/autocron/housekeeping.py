"""What a supervisor does now and then: deletes expired results, keeps the database's files small."""

from __future__ import annotations

import logging

from autocron.clock import MICROSECONDS
from autocron.store import Store

logger = logging.getLogger("autocron.supervisor")

BATCH = 500
"""Expired jobs deleted in one transaction: short enough that no call waits long for it."""

EXPIRY_PAUSE = 10 * MICROSECONDS
MAINTENANCE_PAUSE = 5 * MICROSECONDS


class Housekeeper:
    """Knows when what is due; does it when told to ``work``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._expiry_at = 0
        self._maintenance_at: int | None = None

    def work(self, now: int) -> None:
        """Do what is due."""
        if now >= self._expiry_at:
            self._expire(now)
        if self._maintenance_at is None or now >= self._maintenance_at:
            self._maintenance_at = None if self._store.maintain() else now + MAINTENANCE_PAUSE

    def note_writes(self, now: int) -> None:
        """Something was written, here or elsewhere: see to the files in a while."""
        if self._maintenance_at is None:
            self._maintenance_at = now + MAINTENANCE_PAUSE

    def next_moment(self) -> int:
        return self._expiry_at if self._maintenance_at is None else min(self._expiry_at, self._maintenance_at)

    def _expire(self, now: int) -> None:
        deleted = self._store.expire(now, BATCH)
        if deleted:
            self.note_writes(now)
        if deleted == BATCH:
            self._expiry_at = now + MICROSECONDS // 100
            return
        upcoming = self._store.next_expiry()
        self._expiry_at = max(now + EXPIRY_PAUSE, upcoming if upcoming is not None else now + 3600 * MICROSECONDS)
