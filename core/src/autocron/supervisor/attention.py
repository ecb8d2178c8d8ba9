"""What ends the supervisor's sleep: a ring, a worker that has something to say, a signal. And when it won't be woken."""

from __future__ import annotations

import contextlib
import selectors
import signal
import socket
from collections.abc import Iterable

from autocron import clock
from autocron.processes.channel import Channel
from autocron.processes.signals import reset_signals
from autocron.processes.wakeup import WakeUpReader

REST = 0.002
"""Seconds that it doesn't listen after a ring that brought nothing to start. Waking a sleeper costs the caller more than
all else in a call; while every worker is busy, or jobs are for later, a thousand rings a second wake it only now and then."""


class Attention:
    """One ``select`` over everything. ``pipe`` is where the wake-ups come from."""

    def __init__(self, pipe: str) -> None:
        self.rang: bool = True
        """Somebody may want something: it is looked at before the next sleep."""
        self.readable: list[object] = []
        """What was registered for the files that had something to read when the last sleep ended."""
        self.stop_signals: int = 0
        self.selector: selectors.BaseSelector = selectors.DefaultSelector()
        self._pipe = pipe
        self._listens = True
        self._rests_until = 0.0

    def begin(self) -> None:
        """Take over the process's signals, and be reachable for rings."""
        reset_signals()
        reader, writer = socket.socketpair()
        for end in (reader, writer):
            end.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note_stop_signal)
        for number in (signal.SIGCHLD, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        self._signals, self._signal_writer = reader, writer
        self.selector.register(reader, selectors.EVENT_READ, reader)
        self._wakeup = WakeUpReader(self._pipe)
        self.selector.register(self._wakeup, selectors.EVENT_READ, self._wakeup)

    def end(self) -> None:
        signal.set_wakeup_fd(-1)
        for resource in (self._wakeup, self._signals, self._signal_writer, self.selector):
            resource.close()

    def listen_to(self, fd: int, speaker: object) -> None:
        self.selector.register(fd, selectors.EVENT_READ, speaker)

    def forget(self, fd: int) -> None:
        with contextlib.suppress(KeyError):
            self.selector.unregister(fd)

    @property
    def was_rung(self) -> bool:
        """Whether a ring ended the last sleep."""
        return self._wakeup in self.readable

    def note_start(self) -> None:
        """The last ring brought something to start: the next one shall be heard at once."""
        self._rests_until = 0.0

    def sleep(self, seconds: float, writing: Iterable[Channel]) -> None:
        """Until something happens, or for so long. Something is also that one of these channels takes more."""
        rest = self._rests_until - clock.monotonic()
        if (rest <= 0) != self._listens:
            self._listens = not self._listens
            if self._listens:
                self.selector.register(self._wakeup, selectors.EVENT_READ, self._wakeup)
            else:
                self.selector.unregister(self._wakeup)
        if rest > 0:
            seconds = min(seconds, rest)
        channels = list(writing)
        for channel in channels:
            self.selector.register(channel.write_fd, selectors.EVENT_WRITE, channel)
        self.readable = [key.data for key, _ in self.selector.select(seconds)]
        for channel in channels:
            self.selector.unregister(channel.write_fd)
        if self._signals in self.readable:
            with contextlib.suppress(BlockingIOError):
                self._signals.recv(4096)
        if self._wakeup in self.readable:
            self._wakeup.clear()  # before the looking, or a ring in between would be lost
            self.rang = True
            self._rests_until = clock.monotonic() + REST  # unless this one brings work that can start

    def _note_stop_signal(self, *_: object) -> None:
        self.stop_signals += 1
