"""The jobs that a worker has been given, as the supervisor sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from autocron import clock
from autocron.model import Claim, Policy, Work
from autocron.processes.tickets import KNOCK, draw
from autocron.supervisor import lane as lanes
from autocron.supervisor.lane import Assignment, Lane


class Moments:
    now = 1000.0


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Moments:
    moments = Moments()
    monkeypatch.setattr(clock, "monotonic", lambda: moments.now)
    return moments


@pytest.fixture
def lane_of() -> Iterator[Callable[..., Lane]]:
    made: list[Lane] = []

    def make(slots: int = 1, *, ahead: bool = True) -> Lane:
        made.append(Lane(slots, ahead=ahead))
        return made[-1]

    yield make
    for lane in made:
        lane.tickets.close()


def give(lane: Lane, *numbers: int, timeout: float | None = None) -> None:
    for number in numbers:
        claim = Claim(number, 1, 1, "me")
        lane.put(Assignment(number, Work(claim, "uuid", "app.work", "[]", Policy(timeout=timeout), 0, 0)))
    lane.tickets.hand_out(numbers)


def used_to(lane: Lane, seconds: float, jobs: int = 100) -> Lane:
    """After many jobs that took so long."""
    for number in range(1_000_000, 1_000_000 + jobs):
        give(lane, number)
        assert draw(lane.tickets.worker_fd) == number
        lane.end(number, seconds)
    return lane


def numbers(assignments: list[Assignment]) -> list[int]:
    return [assignment.number for assignment in assignments]


def test_short_jobs_are_sent_ahead_and_long_ones_are_not(lane_of: Callable[..., Lane]) -> None:
    assert used_to(lane_of(), 0.00001).room == 1 + lanes.MOST_AHEAD
    assert used_to(lane_of(), 0.001).room in (1 + 29, 1 + 30)
    assert used_to(lane_of(), 0.05).room == 1
    assert used_to(lane_of(4), 0.05).room == 4


def test_one_long_job_ends_the_sending_ahead_until_many_short_ones_have_followed(lane_of: Callable[..., Lane]) -> None:
    lane = used_to(lane_of(), 0.00001)
    used_to(lane, 2.0, jobs=1)
    assert used_to(lane, 0.00001, jobs=10).room == 1
    assert used_to(lane, 0.00001, jobs=50).room > 1


def test_nothing_is_sent_ahead_of_a_job_that_is_long_already(lane_of: Callable[..., Lane], time: Moments) -> None:
    lane = used_to(lane_of(2), 0.001)
    give(lane, 1, 2)
    assert lane.room in (29, 30)
    time.now += lanes.LONG + 0.001
    assert lane.room == 0
    lane.end(1, 0.05)
    assert lane.room == 1


def test_coroutines_are_never_sent_ahead(lane_of: Callable[..., Lane]) -> None:
    assert used_to(lane_of(100, ahead=False), 0.0).room == 100


def test_a_job_begins_when_an_earlier_one_has_ended_and_its_time_counts_from_then(
    lane_of: Callable[..., Lane], time: Moments
) -> None:
    lane = used_to(lane_of(2), 0.001)
    give(lane, 1, 2, 3, 4, timeout=5)
    assert (list(lane.begun), list(lane.ahead), lane.next_deadline()) == ([1, 2], [3, 4], 1005)
    time.now += 3
    lane.end(2, 3.0)
    assert (list(lane.begun), list(lane.ahead)) == ([1, 3], [4])
    time.now += 2
    assert numbers(lane.overdue(time.now)) == [1]
    lane.end(1, 5.0)
    assert lane.next_deadline() == 1008


def test_what_the_worker_has_drawn_is_not_taken_back(lane_of: Callable[..., Lane]) -> None:
    lane = used_to(lane_of(), 0.001)
    give(lane, 1, 2, 3)
    assert draw(lane.tickets.worker_fd) == 1
    assert numbers(lane.take_back()) == [2, 3]
    assert (list(lane.begun), list(lane.ahead)) == ([1], [])
    assert lane.end(2, 0.0) is None


def test_also_a_job_that_was_to_begin_at_once_can_be_taken_back(lane_of: Callable[..., Lane]) -> None:
    lane = lane_of()
    give(lane, 1)
    assert numbers(lane.take_back()) == [1]
    assert lane.free == 1


def test_a_withdrawal_is_not_taken_back(lane_of: Callable[..., Lane]) -> None:
    lane = lane_of(10, ahead=False)
    give(lane, 1, 2)
    assert draw(lane.tickets.worker_fd) == 1
    lane.withdraw(lane.begun[1], "timeout", 7.0)
    assert numbers(lane.take_back()) == [2]
    assert draw(lane.tickets.worker_fd) == -1
    assert (lane.begun[1].verdict, lane.next_deadline()) == ("timeout", 7.0)


def test_jobs_wait_behind_a_long_one_only_when_there_are_some(lane_of: Callable[..., Lane], time: Moments) -> None:
    lane = used_to(lane_of(), 0.001)
    give(lane, 1)
    time.now += 1
    assert not lane.is_stuck(time.now, 0.02)
    give(lane, 2)
    assert lane.is_stuck(time.now, 0.02)
    lane.end(1, 1.0)
    assert not lane.is_stuck(time.now, 0.02)


def test_a_job_is_in_doubt_until_a_later_one_has_ended_or_what_was_not_begun_is_taken_back(
    lane_of: Callable[..., Lane], time: Moments
) -> None:
    lane = lane_of(3)
    assert lane.given_at is None
    give(lane, 1, 2)
    time.now += 1
    give(lane, 3)
    assert lane.given_at == 1000
    lane.end(2, 1.0)  # the third may not have been drawn
    assert lane.given_at == 1000
    lane.end(3, 1.0)  # the first was drawn before it
    assert lane.given_at is None
    give(lane, 4)
    assert lane.given_at == 1001
    lane.take_back()
    assert lane.given_at is None


def test_a_job_that_follows_another_is_in_doubt_from_then_on(lane_of: Callable[..., Lane], time: Moments) -> None:
    lane = used_to(lane_of(), 0.001)
    give(lane, 1, 2)
    time.now += 1
    lane.end(1, 1.0)
    assert (list(lane.begun), lane.given_at) == ([2], 1001)


def test_a_knock_is_not_taken_back(lane_of: Callable[..., Lane]) -> None:
    lane = lane_of()
    give(lane, 1)
    lane.take_back()
    lane.knock()
    assert lane.take_back() == []
    assert draw(lane.tickets.worker_fd) == KNOCK
