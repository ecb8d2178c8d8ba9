"""What a supervisor does now and then: deletes expired results, keeps the database's files small."""

from __future__ import annotations

import logging
import threading
from typing import Final

from autocron import clock
from autocron.clock import MICROSECONDS
from autocron.errors import StoreError
from autocron.store import Store

logger: Final = logging.getLogger("autocron.supervisor")

BATCH = 500
"""Expired jobs deleted in one transaction: short enough that no call waits long for it."""

EXPIRY_PAUSE = 10 * MICROSECONDS
MAINTENANCE_PAUSE = 5 * MICROSECONDS


class Housekeeper:
    """Knows when what is due; does it when told to ``work``.

    A checkpoint waits for the disk, so it has a thread, and there a connection of its own (``maintained``): no job
    waits for it. It remains the only connection that ever checkpoints.
    """

    def __init__(self, store: Store, maintained: Store) -> None:
        self._store = store
        self._maintained = maintained
        self._thread: threading.Thread | None = None
        self._expiry_at = 0
        self._maintenance_at: int | None = None

    def work(self, now: int) -> None:
        """Do what is due."""
        if now >= self._expiry_at:
            self._expire(now)
        if self._maintenance_at is not None and now >= self._maintenance_at:
            self._maintenance_at = None
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._maintain, name="autocron-maintenance", daemon=True)
                self._thread.start()

    def note_writes(self, now: int) -> None:
        """Something was written, here or elsewhere: see to the files in a while."""
        if self._maintenance_at is None:
            self._maintenance_at = now + MAINTENANCE_PAUSE

    def next_moment(self) -> int:
        """When something is due again."""
        return self._expiry_at if self._maintenance_at is None else min(self._expiry_at, self._maintenance_at)

    def close(self) -> None:
        """Let go of the second connection, unless a checkpoint is still under way."""
        if self._thread is None or not self._thread.is_alive():
            self._maintained.close()

    def _maintain(self) -> None:
        try:
            if not self._maintained.maintain():
                self.note_writes(clock.now())
        except StoreError as error:
            logger.debug("the database's files weren't tidied: %s", error)

    def _expire(self, now: int) -> None:
        deleted = self._store.expire(now, BATCH)
        if deleted:
            self.note_writes(now)
        if deleted == BATCH:
            self._expiry_at = now + MICROSECONDS // 100
            return
        upcoming = self._store.next_expiry()
        self._expiry_at = max(now + EXPIRY_PAUSE, upcoming if upcoming is not None else now + 3600 * MICROSECONDS)
