"""What a supervisor does now and then: deletes expired results, keeps the database's files small."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from autocron import clock
from autocron.clock import MICROSECONDS
from autocron.errors import StoreError

if TYPE_CHECKING:
    from autocron.store.protocol import Store

logger: Final = logging.getLogger("autocron.supervisor")

BATCH = 500
"""Expired jobs deleted in one transaction: short enough that no call waits long for it."""

EXPIRY_PAUSE = 10 * MICROSECONDS
MAINTENANCE_PAUSE = 5 * MICROSECONDS

MANY_WRITES = 500
"""So many jobs called, claimed or ended make a log that is worth a checkpoint at once."""

MAINTENANCE_SHARE = 10
"""After a checkpoint there is none for so many times as long as that took: a slow disk has other things to do."""


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
        self._writes = 0
        self._newest = 0
        self._rests_until = 0

    def work(self, now: int) -> None:
        """Do what is due."""
        if now >= self._expiry_at:
            self._expire(now)
        if self._maintenance_at is not None and now >= self._maintenance_at:
            if self.is_maintaining:
                self._maintenance_at = now + MAINTENANCE_PAUSE
                return
            self._maintenance_at, self._writes = None, 0
            self._thread = threading.Thread(target=self._maintain, name="autocron-maintenance", daemon=True)
            self._thread.start()

    def note_calls(self, newest: int, now: int) -> None:
        """Somebody rang; the newest job has this number."""
        self.note_writes(max(0, newest - self._newest), now)
        self._newest = newest

    def note_writes(self, jobs: int, now: int) -> None:
        """Something was written, here or elsewhere, so many jobs among it: see to the files in a while."""
        self._writes += jobs
        moment = now + MAINTENANCE_PAUSE
        if self._writes >= MANY_WRITES:
            moment = max(now, min(moment, self._rests_until))
        known = self._maintenance_at
        if known is None or moment < known:
            self._maintenance_at = moment

    @property
    def is_maintaining(self) -> bool:
        """Whether a checkpoint is under way."""
        return self._thread is not None and self._thread.is_alive()

    def next_moment(self) -> int:
        """When something is due again."""
        return self._expiry_at if self._maintenance_at is None else min(self._expiry_at, self._maintenance_at)

    def close(self) -> None:
        """Let go of the second connection, unless a checkpoint is still under way."""
        if not self.is_maintaining:
            self._maintained.close()

    def _maintain(self) -> None:
        began = clock.now()
        try:
            if not self._maintained.maintain():
                self.note_writes(0, clock.now())
        except StoreError as error:
            logger.debug("the database's files weren't tidied: %s", error)
        ended = clock.now()
        self._rests_until = ended + MAINTENANCE_SHARE * (ended - began)

    def _expire(self, now: int) -> None:
        deleted = self._store.expire(now, BATCH)
        if deleted:
            self.note_writes(deleted, now)
        if deleted == BATCH:
            self._expiry_at = now + MICROSECONDS // 100
            return
        upcoming = self._store.next_expiry()
        self._expiry_at = max(now + EXPIRY_PAUSE, upcoming if upcoming is not None else now + 3600 * MICROSECONDS)
