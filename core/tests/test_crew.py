"""Which worker gets which of the jobs that were claimed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autocron.model import MAX_LOST_ATTEMPTS, Application, Claim, Launch, Policy, Settings, Work
from autocron.processes.channel import Channel
from autocron.processes.tickets import draw
from autocron.supervisor.crew import Crew
from autocron.supervisor.lane import Lane
from autocron.supervisor.worker_process import Ending, Worker

Members = Callable[..., list[Worker]]


@pytest.fixture
def crew() -> Crew:
    return Crew(Path("/nowhere"), Application(1, Launch("python", "/", ()), 0), [])


@pytest.fixture
def members(crew: Crew) -> Iterator[Members]:
    """Workers without a process."""
    made: list[Worker] = []

    def make(number: int, threads: int = 1) -> list[Worker]:
        for pid in range(len(made) + 1, len(made) + 1 + number):
            (jobs_reader, jobs_writer), (outcomes_reader, outcomes_writer) = os.pipe(), os.pipe()
            os.close(outcomes_writer)
            lanes = Lane(threads, ahead=True), Lane(100, ahead=False)
            made.append(Worker(pid, pid, Channel(outcomes_reader, jobs_writer), jobs_reader, lanes, endings(crew)))
            made[-1].ready = True
            crew.workers[pid] = made[-1]
        return made

    yield make
    for worker in made:
        worker.bury("")


def endings(crew: Crew) -> list[Ending]:
    return crew._endings


def works(*numbers: int, lost: int = 0, at_most_once: bool = False) -> list[Work]:
    policy = Policy(at_most_once=at_most_once)
    return [Work(Claim(number, 1, 1, "me"), "uuid", "app.work", "[]", policy, 0, lost) for number in numbers]


def give(crew: Crew, claimed: list[Work], *, concurrent: bool = False) -> list[int]:
    """Those that were refused."""
    crew.begin_sharing()
    refused = crew.accept(concurrent, claimed, max(crew.wants(concurrent), len(claimed)))
    crew.give()
    return [work.claim.job for work in refused]


def jobs_of(worker: Worker) -> list[int]:
    return [given.work.claim.job for lane in worker.lanes for given in lane.assignments]


def used_to_short_jobs(worker: Worker) -> None:
    for _ in range(100):
        worker.give(False, works(0))
        number = draw(worker.lanes[False].tickets.worker_fd)
        assert number is not None
        worker.hear_outcome(number, 0.00001, "1")
    worker.endings.clear()


def test_jobs_go_where_they_can_begin_at_once_then_evenly(crew: Crew, members: Members) -> None:
    one, two = members(2)
    used_to_short_jobs(one)
    used_to_short_jobs(two)
    assert give(crew, works(*range(6))) == []
    assert sorted([jobs_of(one), jobs_of(two)]) == [[0, 2, 4], [1, 3, 5]]


def test_nothing_is_sent_to_wait_in_a_worker_that_is_at_a_long_job(crew: Crew, members: Members) -> None:
    one, two = members(2)
    used_to_short_jobs(one)
    used_to_short_jobs(two)
    give(crew, works(1))
    (long,) = (worker for worker in (one, two) if worker.is_busy)
    long.lanes[False].moved_at -= 3600
    assert give(crew, works(*range(2, 60))) == []
    assert jobs_of(long) == [1]


def test_what_may_run_at_most_once_begins_or_is_refused(crew: Crew, members: Members) -> None:
    (one,) = members(1)
    used_to_short_jobs(one)
    assert give(crew, works(1, 2, 3, at_most_once=True)) == [2, 3]
    assert crew.wants(False) == 0
    assert crew.expects_work[False]


def test_g24_a_job_under_which_workers_died_gets_one_for_itself(crew: Crew, members: Members) -> None:
    one, two = members(2, threads=4)
    give(crew, works(1))
    (busy,) = (worker for worker in (one, two) if worker.is_busy)
    (idle,) = (worker for worker in (one, two) if not worker.is_busy)
    assert give(crew, [*works(2, 3), *works(4, 5, lost=MAX_LOST_ATTEMPTS - 1)]) == [5]
    assert jobs_of(idle) == [4]
    assert jobs_of(busy) == [1, 2, 3]
    assert give(crew, works(6)) == []
    assert give(crew, works(7), concurrent=True) == []
    assert jobs_of(idle) == [4]
    idle.hear_outcome(1, 0.1, "1")
    assert jobs_of(idle) == []
    assert give(crew, works(8)) == []
    assert jobs_of(idle) == [8]


def test_g24_a_worker_more_is_started_for_a_job_that_needs_one_for_itself(
    crew: Crew, members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Settings] = []
    monkeypatch.setattr(crew, "_start", started.append)
    members(1, threads=4)
    give(crew, works(1))
    crew.keep(Settings())
    assert started == []
    assert give(crew, works(2, lost=MAX_LOST_ATTEMPTS - 1)) == [2]
    crew.keep(Settings())
    assert len(started) == 1
