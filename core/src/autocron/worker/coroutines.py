"""The worker's one event loop, in a thread of its own: ``async`` tasks run on it side by side."""

from __future__ import annotations

import functools
import select
import threading
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from autocron.attempt import WITHDRAWN
from autocron.model import Outcome
from autocron.processes import tickets

if TYPE_CHECKING:
    import asyncio


class Coroutines:
    """``attempt`` makes the coroutine of the job with a ticket's number, ``ended`` is told what it came to;
    ``say_here`` answers a knock.

    A negative number withdraws the job with that ticket: its coroutine is cancelled. Before the first job there is no
    loop, only a thread that sleeps: asyncio is dear, and many applications have no ``async`` tasks.
    """

    def __init__(
        self,
        fd: int,
        attempt: Callable[[int], Coroutine[Any, Any, Outcome]],
        ended: Callable[[int, Outcome], None],
        say_here: Callable[[], None],
    ) -> None:
        self._fd = fd
        self._attempt = attempt
        self._ended = ended
        self._say_here = say_here
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._running = threading.Event()
        self._finishing = False
        self._tasks: dict[int, asyncio.Task[Outcome]] = {}
        self._withdrawn: set[int] = set()

    def watch(self) -> None:
        """Start the loop as soon as the first ticket comes."""
        threading.Thread(target=self._wait_for_the_first, name="autocron-first-coroutine", daemon=True).start()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine for another thread; its value."""
        import asyncio

        self._start()
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def finish(self) -> None:
        """Wait until the last job has ended. None is begun any more."""
        with self._starting:
            self._finishing = True
        if self._thread is not None:
            self._running.wait()
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join()

    def _wait_for_the_first(self) -> None:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        if poll.poll()[0][1] == select.POLLIN:  # else it has been closed
            self._start()

    def _start(self) -> None:
        with self._starting:
            if self._finishing:  # what the ticket was for has been taken back
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._run_loop, name="autocron-loop")
                self._thread.start()
        self._running.wait()

    def _run_loop(self) -> None:
        import asyncio

        asyncio.run(self._serve())

    async def _serve(self) -> None:
        import asyncio

        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._loop.add_reader(self._fd, self._draw)
        self._running.set()
        await self._over.wait()
        while self._tasks:  # they may still be withdrawn
            await asyncio.wait(self._tasks.values())
        self._loop.remove_reader(self._fd)

    def _draw(self) -> None:
        """One in each turn of the loop: what was drawn has begun before the next is, and may be what blocks the loop."""
        try:
            number = tickets.draw_at_once(self._fd)
        except BlockingIOError:  # the supervisor was quicker
            return
        if number is None:
            self._loop.remove_reader(self._fd)
        elif number > 0:
            task = self._tasks[number] = self._loop.create_task(self._attempt(number))
            task.add_done_callback(functools.partial(self._note_end, number))
        elif number == tickets.KNOCK:
            self._say_here()
        elif (running := self._tasks.get(-number)) is not None:
            self._withdrawn.add(-number)
            running.cancel(WITHDRAWN)

    def _note_end(self, number: int, task: asyncio.Task[Outcome]) -> None:
        del self._tasks[number]
        if number in self._withdrawn:
            self._withdrawn.discard(number)
            outcome = Outcome(error=WITHDRAWN)
        else:
            outcome = task.result()
        self._ended(number, outcome)
