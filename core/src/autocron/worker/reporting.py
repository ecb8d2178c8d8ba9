"""What a worker says to the supervisor: outcomes at once, notes of running attempts not more often than need be."""

from __future__ import annotations

import os
import threading
from collections.abc import Hashable

from autocron import clock
from autocron.current import Notes
from autocron.processes.channel import BlockingChannel, Message

PAUSE = 0.5
"""Seconds between two notes of one attempt: each is a write to the database."""


class Reporter:
    """Sends for all threads of a worker. What is noted goes out at once, then at most twice a second per attempt."""

    def __init__(self, channel: BlockingChannel) -> None:
        self._channel = channel
        self._worker = os.getpid()
        self._sending = threading.Lock()
        self._change = threading.Condition()
        self._noting: dict[Hashable, tuple[Notes, float]] = {}
        self._thread: threading.Thread | None = None

    def send(self, message: Message) -> None:
        with self._sending:
            self._channel.send(message)

    def notes(self, attempt: Hashable) -> Notes:
        """Where a running attempt may tell of itself."""
        return Notes(lambda notes: self._changed(attempt, notes))

    def end(self, attempt: Hashable, message: Message) -> None:
        """The attempt's outcome, after all that it has noted."""
        if attempt in self._noting:
            with self._change:
                notes, _ = self._noting.pop(attempt)
                self._pass_on(attempt, notes)
        self.send(message)

    def _changed(self, attempt: Hashable, notes: Notes) -> None:
        if os.getpid() != self._worker:  # a process that the task has forked: the pipe isn't its own
            return
        with self._change:
            due = self._noting.setdefault(attempt, (notes, clock.monotonic()))[1]
            if due <= clock.monotonic():
                self._pass_on(attempt, notes)
                self._noting[attempt] = notes, clock.monotonic() + PAUSE
            elif self._thread is None:
                self._thread = threading.Thread(target=self._pass_on_later, name="autocron-notes", daemon=True)
                self._thread.start()
            else:
                self._change.notify()

    def _pass_on(self, attempt: Hashable, notes: Notes) -> None:
        if (noted := notes.take()) is not None:
            self.send(("note", attempt, *noted))

    def _pass_on_later(self) -> None:
        """The thread of what has to wait; there is none before something has to. It sleeps while nobody notes anything."""
        with self._change:
            while True:
                now = clock.monotonic()
                for attempt, (notes, due) in list(self._noting.items()):
                    if due <= now:
                        self._pass_on(attempt, notes)
                later = [due - now for _, due in self._noting.values() if due > now]
                self._change.wait(min(later, default=None))
