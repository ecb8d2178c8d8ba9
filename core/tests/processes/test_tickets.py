"""Tickets: each is drawn once, whoever draws."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from autocron.processes import tickets
from autocron.processes.tickets import Tickets, draw, draw_at_once


@pytest.fixture
def queue() -> Iterator[Tickets]:
    one = Tickets()
    yield one
    one.close()


def test_tickets_are_drawn_in_the_order_in_which_they_were_handed_out(queue: Tickets) -> None:
    queue.hand_out([1, 2])
    queue.hand_out([-1])
    assert [draw(queue.worker_fd) for _ in range(3)] == [1, 2, -1]
    with pytest.raises(BlockingIOError):
        draw_at_once(queue.worker_fd)
    queue.hand_out([3, 2**60])
    assert [draw_at_once(queue.worker_fd) for _ in range(2)] == [3, 2**60]


def test_what_was_taken_back_is_drawn_by_nobody(queue: Tickets) -> None:
    queue.hand_out(range(1, 6))
    assert draw(queue.worker_fd) == 1
    assert queue.take_back() == [2, 3, 4, 5]
    assert queue.take_back() == []
    queue.hand_out([6])
    assert draw(queue.worker_fd) == 6


def test_who_waits_is_told_when_no_ticket_follows(queue: Tickets) -> None:
    queue.hand_out([1])
    queue.close_writing()
    assert (draw(queue.worker_fd), draw(queue.worker_fd)) == (1, None)
    assert draw_at_once(queue.worker_fd) is None
    queue.hand_out([2])
    assert queue.take_back() == []


def test_tickets_for_which_there_is_no_room_follow_later_or_are_taken_back(queue: Tickets) -> None:
    for number in range(1, 20_001):
        queue.hand_out([number])
    drawn = [draw(queue.worker_fd) for _ in range(100)]
    queue.hand_out([20_001])
    assert drawn + queue.take_back() == list(range(1, 20_002))


def test_each_ticket_is_drawn_once_by_many_threads_and_one_who_takes_back(queue: Tickets) -> None:
    drawn: list[int] = []

    def work() -> None:
        while (number := draw(queue.worker_fd)) is not None:
            drawn.append(number)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    taken: list[int] = []
    for first in range(1, 20_001, 50):
        queue.hand_out(range(first, first + 50))
        taken += queue.take_back()
    queue.close_writing()
    for thread in threads:
        thread.join(45)
    assert sorted(drawn + taken) == list(range(1, 20_001))


def test_a_worker_that_draws_needs_no_sockets() -> None:
    assert not hasattr(tickets, "socket"), "importing it is dear, and a worker without coroutines never needs it"
