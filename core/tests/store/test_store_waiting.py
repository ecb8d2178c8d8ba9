"""→ waiting → running: what a store does with jobs until an attempt begins."""

from __future__ import annotations

import uuid

import pytest
from store_kinds import LATER, NOW, OTHER_OWNER, OWNER, SECOND, StoreKind, claim_one, job

from autocron.model import CANCELLED, DONE, ERROR, RUNNING, WAITING, Policy
from autocron.store.protocol import Store


def test_an_added_job_waits_with_everything_that_was_said(store: Store, application: int) -> None:
    policy = Policy(retries=2, timeout=5.0, ttl=60.0)
    (name,) = store.add(
        [job(application, task="app.mail", arguments='["x"]', queue="mail", priority=7, policy=policy.to_json())], NOW
    )
    found = store.job(name)
    assert found is not None
    assert (found.uuid, found.task, found.status, found.arguments) == (name, "app.mail", WAITING, '["x"]')
    assert (found.queue, found.priority, found.run_at, found.created_at) == ("mail", 7, NOW, NOW)
    assert (found.attempts, found.started_at, found.finished_at) == (0, None, None)
    assert (found.result, found.error, found.traceback, found.held) == (None, "", "", False)
    work = claim_one(store, application)
    assert (work.uuid, work.task, work.arguments, work.policy) == (name, "app.mail", '["x"]', policy)
    assert (work.failures, work.lost, work.schedule) == (0, 0, None)


def test_many_jobs_are_added_in_order_with_uuids_of_their_own(store: Store, application: int) -> None:
    names = store.add([job(application, arguments=f"[{n}]") for n in range(50)], NOW)
    assert len(set(names)) == 50
    assert [work.arguments for work in store.claim(application, 100, OWNER, NOW)] == [f"[{n}]" for n in range(50)]
    assert [found.uuid for found in store.jobs()] == names[::-1]


def test_adding_no_job_is_nothing(store: Store, application: int) -> None:
    assert store.add([], NOW) == []
    assert store.add_each(job(application), [], NOW) == []


@pytest.mark.parametrize("number", [1, 2, 49, 50, 51, 130])
def test_a_job_for_each_of_many_arguments_is_like_that_many_jobs(store: Store, application: int, number: int) -> None:
    policy = Policy(retries=2).to_json()
    like = job(application, task="app.mail", queue="mail", priority=7, policy=policy, concurrent=True, context="{}")
    (before,) = store.add([job(application)], NOW)
    names = store.add_each(like, [f"[{n}]" for n in range(number)], NOW)
    (after,) = store.add([job(application)], NOW)
    assert len({before, after, *names}) == number + 2
    works = store.claim(application, 200, OWNER, NOW, concurrent=True)
    assert [(work.uuid, work.arguments) for work in works] == [(name, f"[{n}]") for n, name in enumerate(names)]
    assert {(work.task, work.policy, work.context) for work in works} == {("app.mail", Policy(retries=2), "{}")}
    assert {found.queue for found in map(store.job, names) if found is not None} == {"mail"}
    assert {found.priority for found in map(store.job, names) if found is not None} == {7}
    assert [work.uuid for work in store.claim(application, 9, OWNER, NOW)] == [before, after]


def test_a_job_for_each_of_many_arguments_may_be_for_later(store: Store, application: int) -> None:
    names = store.add_each(job(application, run_at=LATER), ["[1]", "[2]"], NOW)
    assert store.next_run_at() == LATER
    assert store.claim(application, 9, OWNER, NOW) == []
    assert store.promote(LATER) == 2
    assert [work.uuid for work in store.claim(application, 9, OWNER, LATER)] == names


def test_uuids_are_uuids_that_nobody_can_guess(store: Store, application: int) -> None:
    names = store.add([job(application) for _ in range(20)], NOW)
    for name in names:
        assert str(uuid.UUID(name)) == name
        assert uuid.UUID(name).variant == uuid.RFC_4122
    assert len({name[-12:] for name in names}) == 20


@pytest.mark.parametrize(
    "name",
    [
        "",
        "nonsense",
        "00000000-0000-0000-0000-000000000000",
        "33f935b0-151b-43fa-980e-2fdb0cae373b",
        str(uuid.UUID(int=2**128 - 1)),
        "ffffffff-ffff-8fff-bfff-ffffffffffff",
        "x" * 32,
        "9" * 400,
        "--------",
        "\0",
        "🕰️",
    ],
)
def test_a_uuid_that_nobody_gave_out_names_no_job(store: Store, application: int, name: str) -> None:
    store.add([job(application)], NOW)
    assert store.job(name) is None
    assert store.cancel(name, LATER, NOW) is None
    assert store.retry(name, NOW) is None
    assert store.counts()[WAITING] == 1


def test_the_uuid_of_a_deleted_job_never_names_another(store: Store, application: int) -> None:
    (gone,) = store.add([job(application)], NOW)
    store.cancel(gone, NOW, NOW)
    assert store.expire(NOW, 10) == 1
    (new,) = store.add([job(application)], NOW)
    assert new != gone
    assert store.job(gone) is None
    assert store.cancel(gone, LATER, NOW) is None


# -- later -------------------------------------------------------------------------------------------------


def test_a_job_for_later_is_claimed_only_after_its_moment(store: Store, application: int) -> None:
    (name,) = store.add([job(application, run_at=LATER)], NOW)
    assert store.next_run_at() == LATER
    assert store.promote(LATER - 1) == 0
    assert store.claim(application, 1, OWNER, LATER - 1) == []
    assert store.promote(LATER) == 1
    assert store.next_run_at() is None
    assert claim_one(store, application, now=LATER).uuid == name


def test_a_moment_that_has_passed_means_at_once(store: Store, application: int) -> None:
    store.add([job(application, run_at=NOW - SECOND), job(application, run_at=NOW)], NOW)
    assert store.next_run_at() is None
    assert len(store.claim(application, 5, OWNER, NOW)) == 2


def test_next_run_at_is_the_earliest_of_the_jobs_for_later(store: Store, application: int) -> None:
    assert store.next_run_at() is None
    store.add([job(application, run_at=LATER + n * SECOND) for n in (3, 1, 2)], NOW)
    assert store.next_run_at() == LATER + SECOND
    assert store.promote(LATER + 2 * SECOND) == 2
    assert store.next_run_at() == LATER + 3 * SECOND


# -- claims ------------------------------------------------------------------------------------------------


def test_jobs_are_claimed_by_priority_and_then_in_order_of_arrival(store: Store, application: int) -> None:
    for priority in (0, 5, -5, 5, 0):
        store.add([job(application, priority=priority, arguments=f"[{priority}]")], NOW)
    order = [store.jobs()[::-1][n].uuid for n in (1, 3, 0, 4, 2)]
    first = store.claim(application, 2, OWNER, NOW)
    rest = store.claim(application, 10, OWNER, NOW)
    assert [work.uuid for work in (*first, *rest)] == order


def test_g23_a_claimed_job_is_never_given_out_again(store: Store, other_process: Store, application: int) -> None:
    store.add([job(application) for _ in range(10)], NOW)
    mine = store.claim(application, 6, OWNER, NOW)
    others = other_process.claim(application, 6, OTHER_OWNER, NOW)
    assert (len(mine), len(others)) == (6, 4)
    assert not {work.uuid for work in mine} & {work.uuid for work in others}
    year = NOW + 365 * 86_400 * SECOND
    store.promote(year)
    assert other_process.claim(application, 6, OTHER_OWNER, year) == []


def test_a_claim_names_the_attempt_and_its_owner(store: Store, application: int) -> None:
    (name,) = store.add([job(application)], NOW)
    work = claim_one(store, application, now=LATER)
    assert (work.claim.attempt, work.claim.owner) == (1, OWNER)
    found = store.job(name)
    assert found is not None
    assert (found.status, found.attempts, found.started_at, found.finished_at) == (RUNNING, 1, LATER, None)


def test_an_application_gets_only_its_own_jobs(store: Store, application: int) -> None:
    store.add([job(application)], NOW)
    assert store.claim(application + 1, 10, OWNER, NOW) == []
    assert store.claim(application, 0, OWNER, NOW) == []
    assert len(store.claim(application, 10, OWNER, NOW)) == 1


def test_with_waiting_jobs_names_applications_whose_jobs_could_start(store: Store, application: int) -> None:
    assert store.with_waiting_jobs([application]) == []
    store.add([job(application, run_at=LATER)], NOW)
    assert store.with_waiting_jobs([application]) == []
    store.promote(LATER)
    assert store.with_waiting_jobs([application, application + 1]) == [application]
    claim_one(store, application, now=LATER)
    assert store.with_waiting_jobs([application]) == []


def test_a_paused_queue_gives_nothing_out_and_holds_nobody_up(kind: StoreKind, store: Store, application: int) -> None:
    store.add([job(application, queue="mail", priority=9), job(application)], NOW)
    kind.pause(store, "mail")
    assert [store_queue(store, work.uuid) for work in store.claim(application, 10, OWNER, NOW)] == ["default"]
    assert store.claim(application, 10, OWNER, NOW) == []
    kind.resume(store, "mail")
    assert [store_queue(store, work.uuid) for work in store.claim(application, 10, OWNER, NOW)] == ["mail"]


def store_queue(store: Store, name: str) -> str:
    found = store.job(name)
    assert found is not None
    return found.queue


# -- unique jobs -------------------------------------------------------------------------------------------


def test_a_taken_unique_key_gives_the_job_that_has_it(store: Store, other_process: Store, application: int) -> None:
    (first,) = store.add([job(application, unique_key="k")], NOW)
    assert other_process.add([job(application, unique_key="k")], NOW) == [first]
    claim_one(store, application)
    assert store.add([job(application, unique_key="k"), job(application, unique_key="k")], NOW) == [first, first]
    (other,) = store.add([job(application, unique_key="other")], NOW)
    assert other != first
    assert len(store.jobs()) == 2


def test_a_unique_key_is_taken_while_its_job_is_for_later(store: Store, application: int) -> None:
    (first,) = store.add([job(application, unique_key="k", run_at=LATER)], NOW)
    assert store.add([job(application, unique_key="k")], NOW) == [first]


def test_equal_keys_in_one_batch_make_one_job(store: Store, application: int) -> None:
    names = store.add([job(application, unique_key="k") for _ in range(3)] + [job(application)], NOW)
    assert len(set(names[:3])) == 1
    assert len(set(names)) == 2
    assert len(store.jobs()) == 2


@pytest.mark.parametrize("end", [DONE, ERROR, CANCELLED])
def test_a_unique_key_is_free_again_after_the_end(store: Store, application: int, end: object) -> None:
    (first,) = store.add([job(application, unique_key="k")], NOW)
    if end is CANCELLED:
        store.cancel(first, LATER, NOW)
    else:
        claim = claim_one(store, application).claim
        if end is DONE:
            store.finish(claim, "1", 7, LATER, NOW)
        else:
            store.fail(claim, "ValueError", "", 7, LATER, NOW)
    (second,) = store.add([job(application, unique_key="k")], NOW)
    assert second != first


# -- questions ---------------------------------------------------------------------------------------------


def test_counts_tell_how_many_jobs_are_in_each_state(store: Store, application: int) -> None:
    store.add([job(application) for _ in range(6)], NOW)
    done, error, cancelled, _ = store.claim(application, 4, OWNER, NOW)
    store.finish(done.claim, "1", 7, LATER, NOW)
    store.fail(error.claim, "E", "", 7, LATER, NOW)
    store.cancelled(cancelled.claim, 7, LATER, NOW)
    counts = store.counts()
    assert [counts[status] for status in (WAITING, RUNNING, DONE, ERROR, CANCELLED)] == [2, 1, 1, 1, 1]


def test_jobs_are_listed_newest_first_and_may_be_limited_to_the_finished(store: Store, application: int) -> None:
    names = store.add([job(application) for _ in range(4)], NOW)
    for work in store.claim(application, 2, OWNER, NOW):
        store.finish(work.claim, "1", 7, LATER, NOW)
    assert [found.uuid for found in store.jobs()] == names[::-1]
    assert [found.uuid for found in store.jobs(limit=3)] == names[:0:-1]
    assert [found.uuid for found in store.jobs(finished=True)] == [names[1], names[0]]
    assert [found.uuid for found in store.jobs(finished=True, limit=1)] == [names[1]]
