"""The applications that the database knows: which jobs change hands between them, and which of them are forgotten."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Final

from autocron import clock
from autocron.clock import MICROSECONDS
from autocron.model import Application
from autocron.supervisor.presence import Presence

if TYPE_CHECKING:
    from autocron.store.protocol import Store

logger: Final = logging.getLogger("autocron.supervisor")

FORGOTTEN_AFTER = 7 * 86_400 * MICROSECONDS
"""An application that attached last so long ago may be forgotten."""


class Applications:
    """Those that the database knows. ``presence`` says which of them are attached."""

    def __init__(self, store: Store, presence: Presence) -> None:
        self.known: dict[int, Application] = {}
        self._store = store
        self._presence = presence

    def reload(self) -> None:
        """Read them again."""
        self.known = {known.id: known for known in self._store.applications()}

    def look_who_is_attached(self) -> bool:
        """Ask the kernel. Whether others of them are than before."""
        return self._presence.look(self.known)

    def adopt_jobs(self) -> None:
        """Waiting jobs of those that aren't attached go to one that knows their tasks."""
        away = [number for number in self.known if number not in self._presence.attached]
        if away and self._presence.attached and (orphaned := self._store.with_waiting_jobs(away)):
            for number in self._presence.attached:
                self._store.adopt_jobs(number, orphaned)

    def forget_old_releases(self) -> None:
        """One whose folder is gone can't come back; what was deployed into folder after folder adds up."""
        long_ago = clock.now() - FORGOTTEN_AFTER
        old = [known for known in self.known.values() if known.attached_at < long_ago]
        away = [known.id for known in old if known.id not in self._presence.attached and not os.path.isdir(known.launch.cwd)]
        if away and (number := self._store.forget_applications(away)):
            logger.info("%d applications are forgotten: their folders are gone, and they have no jobs", number)
