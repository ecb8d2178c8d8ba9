"""Which worker gets which of the jobs that were claimed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autocron.model import Application, Claim, Launch, NewJob, Outcome, Policy, Settings, Work
from autocron.processes.channel import Channel
from autocron.processes.tickets import KNOCK, draw
from autocron.store import SqliteStore
from autocron.supervisor.crew import Crew
from autocron.supervisor.lane import Lane
from autocron.supervisor.worker_process import Ending, Worker

Members = Callable[..., list[Worker]]


@pytest.fixture
def crew() -> Crew:
    return Crew("/nowhere", Application(1, Launch("python", "/", ()), 0), [])


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


def works(*numbers: int, at_most_once: bool = False) -> list[Work]:
    policy = Policy(at_most_once=at_most_once)
    return [Work(Claim(number, 1, 1, "me"), "uuid", "app.work", "[]", policy, 0, 0) for number in numbers]


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


def suspects(*numbers: int, company: int = 1) -> list[Work]:
    return [work._replace(company=company) for work in works(*numbers)]


def give_suspects(crew: Crew, claimed: list[Work], *, concurrent: bool = False) -> list[int]:
    """As the supervisor claims them: each for a worker whose jobs are then no more than its company. The others."""
    crew.begin_sharing()
    left = list(claimed)
    while left and (worker := crew.place_for_suspect(concurrent)) is not None:
        fitting = next((work for work in left if work.company > worker.number_of_jobs), None)
        if fitting is None:
            break
        left.remove(fitting)
        crew.accept_suspect(worker, concurrent, fitting)
    crew.give()
    return [work.claim.job for work in left]


def test_g24_a_suspect_has_a_worker_for_itself_while_it_runs(crew: Crew, members: Members) -> None:
    one, two = members(2, threads=4)
    give(crew, works(1))
    (busy,) = (worker for worker in (one, two) if worker.is_busy)
    (idle,) = (worker for worker in (one, two) if not worker.is_busy)
    assert give_suspects(crew, suspects(4, 5)) == [5]
    assert jobs_of(idle) == [4]
    assert give(crew, works(2, 3, 6)) == []
    assert (jobs_of(busy), jobs_of(idle)) == ([1, 2, 3, 6], [4])
    assert give(crew, works(7), concurrent=True) == []
    assert give_suspects(crew, suspects(8), concurrent=True) == [8]
    assert jobs_of(idle) == [4]
    idle.hear_outcome(1, 0.1, "1")
    assert jobs_of(idle) == []
    assert give(crew, works(9)) == []
    assert jobs_of(idle) == [9]
    assert not idle.is_apart


def test_g24_as_many_suspects_are_together_as_the_strictest_of_them_allows(crew: Crew, members: Members) -> None:
    members(2, threads=2)
    assert give_suspects(crew, suspects(1, 2, company=3)) == []
    (apart,) = (worker for worker in crew.workers.values() if worker.is_apart)
    assert give_suspects(crew, suspects(3, company=2)) == [3]
    assert give_suspects(crew, suspects(4, 5, company=9), concurrent=True) == [5]
    assert jobs_of(apart) == [1, 2, 4]
    apart.hear_outcome(1, 0.1, "1")
    apart.hear_outcome(2, 0.1, "1")
    assert give_suspects(crew, suspects(6, company=2), concurrent=True) == []
    assert give_suspects(crew, suspects(7, company=9), concurrent=True) == [7]
    assert jobs_of(apart) == [4, 6]


def test_g24_one_worker_is_left_to_all_other_jobs(crew: Crew, members: Members) -> None:
    members(3)
    assert give_suspects(crew, suspects(1, 2, 3)) == [3]
    assert give(crew, works(4)) == []


def test_g24_a_worker_more_is_started_while_there_are_suspects(
    crew: Crew, members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Settings] = []
    settings = Settings(threads=4)
    monkeypatch.setattr(crew, "_start", started.append)
    (one,) = members(1, threads=4)
    crew.keep(settings)
    assert started == []
    crew.has_suspects = True
    assert give_suspects(crew, suspects(2)) == [2]
    crew.keep(settings)
    assert len(started) == 1
    _, two = members(1, threads=4)
    assert give_suspects(crew, suspects(2)) == []
    crew.has_suspects = False
    (apart,) = (worker for worker in (one, two) if worker.is_apart)
    crew.keep(settings)
    assert not one.retiring
    assert not two.retiring
    apart.hear_outcome(1, 0.1, "1")
    crew.keep(settings)
    assert sum(worker.retiring for worker in crew.workers.values()) == 1


def test_g21_where_no_further_worker_can_be_started_suspects_take_the_last_one_if_nothing_else_waits(
    crew: Crew, members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Settings) -> Worker:
        raise OSError("no memory")

    monkeypatch.setattr(crew, "_start", fail)
    members(1)
    crew.has_suspects = True
    crew.expects_work = {False: False, True: False}
    assert not crew.is_hungry
    crew.keep(Settings())
    crew.expects_work[False] = True
    assert crew.place_for_suspect(False) is None
    crew.expects_work[False] = False
    assert crew.is_hungry
    assert give_suspects(crew, suspects(1)) == []


def test_a_worker_that_is_to_get_another_job_is_no_place_for_a_suspect(crew: Crew, members: Members) -> None:
    members(2)
    crew.begin_sharing()
    assert crew.accept(False, works(1, 2), 2) == []
    assert crew.place_for_suspect(False) is None
    crew.give()
    assert sorted(map(jobs_of, crew.workers.values())) == [[1], [2]]


def test_a_suspect_that_was_claimed_in_a_transaction_that_failed_leaves_nothing_behind(crew: Crew, members: Members) -> None:
    members(2)
    crew.has_suspects = True
    crew.expects_work = {False: False, True: False}
    worker = crew.place_for_suspect(False)
    assert worker is not None
    crew.accept_suspect(worker, False, *suspects(1))
    assert crew.place_for_suspect(False) is None
    crew.begin_sharing()
    assert crew.is_hungry
    assert not worker.is_apart
    assert crew.give() is False
    assert jobs_of(worker) == []


def test_what_a_worker_that_stands_still_has_not_begun_goes_to_another(crew: Crew, members: Members) -> None:
    one, two = members(2, threads=2)
    give(crew, works(1, 2))
    ((still, drawing),) = [(one, two)] if jobs_of(one) == [1] else [(two, one)]
    assert draw(drawing.lanes[False].tickets.worker_fd) is not None
    moment = crew.stuck_at()
    assert moment is not None
    crew.take_back_from_stuck(moment - 0.01)
    assert endings(crew) == []
    crew.take_back_from_stuck(moment + 0.01)
    assert [(ending.work, ending.verdict) for ending in endings(crew)] == [(works(1)[0], "not begun")]
    assert crew.stuck_at() is None
    assert give(crew, works(1)) == []
    assert (jobs_of(still), jobs_of(drawing)) == ([], [2, 1])
    assert crew.stuck_at() is None  # there is nobody who could begin it instead
    crew.take_back_from_stuck(moment + 3600)
    assert jobs_of(drawing) == [2, 1]
    assert draw(still.lanes[False].tickets.worker_fd) == KNOCK
    still.lanes[False].is_silent = False
    assert give(crew, works(3)) == []
    assert jobs_of(still) == [3]


def test_g23_the_outcome_of_a_job_that_was_taken_back_is_nobodys(crew: Crew, members: Members) -> None:
    """Its number, and its claim, may be another attempt's by now."""
    one, two = members(2)
    give(crew, works(1))
    (first, second) = (one, two) if jobs_of(one) else (two, one)
    assert first.take_back()
    endings(crew).clear()
    first.retiring = True
    give(crew, works(1))
    assert jobs_of(second) == [1]
    first.hear_outcome(1, 0.1, "stale")
    assert endings(crew) == []
    second.hear_outcome(1, 0.1, "1")
    assert [(ending.worker, ending.outcome) for ending in endings(crew)] == [(second.pid, Outcome("1"))]


def test_a_crew_asks_once_after_a_ring_before_it_claims(crew: Crew, members: Members, tmp_path: Path) -> None:
    """A claim in vain would hold up callers, and of two kinds of jobs most applications have one."""
    store = SqliteStore(tmp_path / "jobs.db", create=True)
    store.revision()
    asked: list[str] = []
    store.database._open().set_trace_callback(asked.append)
    members(1, threads=2)
    assert not crew.look_for_work(store)
    assert not crew.look_for_work(store)
    assert len(asked) == 1
    store.add([NewJob("app.work", "[]", 1)], 0)
    asked.clear()
    crew.expect_work()
    assert crew.look_for_work(store)
    assert (crew.wants(False) > 0, crew.wants(True)) == (True, 0)
    assert len(asked) == 1
    store.close()
