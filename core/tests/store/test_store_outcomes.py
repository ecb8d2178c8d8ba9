"""running → waiting, done or error: how attempts end."""

from __future__ import annotations

import pytest
from store_kinds import EXPIRY, LATER, NOW, OWNER, claim_one, found, job, running

from autocron.model import CANCELLED, DONE, ERROR, RUNNING, WAITING, Finished, Status
from autocron.store.protocol import Store


def test_finish_keeps_the_result_until_it_expires(store: Store, application: int) -> None:
    name, claim = running(store, application)
    store.finish(claim, '"a result"', 7, EXPIRY, LATER)
    done = found(store, name)
    assert (done.status, done.result, done.error, done.finished_at) == (DONE, '"a result"', "", LATER)
    assert (done.attempts, done.started_at) == (1, NOW)
    assert store.next_expiry() == EXPIRY


def test_many_finish_at_once_and_g23_what_is_stale_among_them_counts_for_nothing(store: Store, application: int) -> None:
    names, claims = zip(*(running(store, application) for _ in range(4)), strict=True)
    store.release(claims[1], NOW)
    stale = claims[2]._replace(owner="another")
    finished = [Finished(claim, f"{n}", n, EXPIRY + n) for n, claim in enumerate((claims[0], claims[1], stale, claims[3]))]
    assert store.finish_each(finished, LATER) == 2
    assert store.finish_each(finished, LATER) == 0
    jobs = [found(store, name) for name in names]
    assert [job.status for job in jobs] == [DONE, WAITING, RUNNING, DONE]
    assert [(job.result, job.worker, job.finished_at) for job in (jobs[0], jobs[3])] == [("0", None, LATER), ("3", 3, LATER)]
    assert store.next_expiry() == EXPIRY


def test_fail_keeps_the_error_and_its_traceback(store: Store, application: int) -> None:
    name, claim = running(store, application)
    store.fail(claim, "ValueError: no", "Traceback ...", 7, EXPIRY, LATER)
    failed = found(store, name)
    assert (failed.status, failed.result, failed.finished_at) == (ERROR, None, LATER)
    assert (failed.error, failed.traceback) == ("ValueError: no", "Traceback ...")
    assert store.next_expiry() == EXPIRY


@pytest.mark.parametrize("lost", [False, True])
def test_retry_later_waits_for_its_moment_with_the_attempt_counted(store: Store, application: int, lost: bool) -> None:
    name, claim = running(store, application)
    store.retry_later(claim, "OSError: once", "Traceback ...", 7, LATER, NOW, lost=lost)
    waiting = found(store, name)
    assert (waiting.status, waiting.run_at, waiting.finished_at) == (WAITING, LATER, None)
    assert (waiting.error, waiting.traceback) == ("OSError: once", "Traceback ...")
    assert store.claim(application, 1, OWNER, NOW) == []
    assert store.next_run_at() == LATER
    store.promote(LATER)
    again = claim_one(store, application, now=LATER)
    assert (again.uuid, again.claim.attempt, again.failures, again.lost) == (name, 2, int(not lost), int(lost))


def test_a_retry_without_a_pause_may_be_claimed_at_once(store: Store, application: int) -> None:
    name, claim = running(store, application)
    store.retry_later(claim, "E", "", 7, NOW, NOW)
    assert store.next_run_at() is None
    assert claim_one(store, application).uuid == name


def test_a_result_after_failures_leaves_no_error_behind(store: Store, application: int) -> None:
    name, claim = running(store, application)
    store.retry_later(claim, "E", "Traceback", 7, NOW, NOW)
    store.finish(claim_one(store, application).claim, "1", 7, EXPIRY, LATER)
    done = found(store, name)
    assert (done.status, done.error, done.traceback, done.attempts) == (DONE, "", "", 2)


def test_release_does_not_count_the_attempt_but_its_number_goes_on(store: Store, application: int) -> None:
    name, claim = running(store, application)
    store.release(claim, LATER)
    assert (found(store, name).status, found(store, name).started_at) == (WAITING, None)
    again = claim_one(store, application)
    assert (again.claim.attempt, again.failures, again.lost) == (2, 0, 0)


def test_a_job_that_is_given_back_was_never_begun(store: Store, application: int) -> None:
    name, claim = running(store, application)
    store.retry_later(claim, "failed", "", 7, NOW, NOW)
    given_back = claim_one(store, application)
    assert given_back.claim.attempt == 2
    store.give_back(given_back.claim, LATER)
    waits = found(store, name)
    assert (waits.status, waits.attempts, waits.started_at, waits.error) == (WAITING, 1, None, "failed")
    again = claim_one(store, application)
    assert (again.claim.attempt, again.failures, again.lost) == (2, 1, 0)
    store.finish(again.claim, "1", 7, EXPIRY, LATER)
    assert found(store, name).attempts == 2


def test_a_released_job_keeps_its_place_before_those_that_came_later(store: Store, application: int) -> None:
    name, claim = running(store, application)
    store.add([job(application)], NOW)
    store.release(claim, NOW)
    assert claim_one(store, application).uuid == name


def test_g30_a_held_job_waits_visibly_until_newer_code_attaches(store: Store, application: int) -> None:
    name, claim = running(store, application)
    store.hold(claim, "the running code has no task app.work", LATER)
    held = found(store, name)
    assert (held.status, held.held, held.error) == (WAITING, True, "the running code has no task app.work")
    assert store.promote(LATER + 10**9) == 0
    assert store.next_run_at() is None
    assert store.claim(application, 1, OWNER, LATER) == []
    store.attach(application, LATER)
    assert not found(store, name).held
    again = claim_one(store, application)
    assert (again.uuid, again.failures, again.lost) == (name, 0, 0)


@pytest.mark.parametrize("status", list(Status))
def test_statuses_are_their_texts(status: Status) -> None:
    assert status == status.value
    assert status.is_final == (status in (DONE, ERROR, CANCELLED))
