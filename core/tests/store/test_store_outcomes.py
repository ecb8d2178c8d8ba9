"""running → waiting, done, error or cancelled: how attempts end, and whose outcome counts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from store_kinds import (
    CANCELLED_KEPT,
    EXPIRY,
    LATER,
    NOW,
    OTHER_OWNER,
    OWNER,
    SECOND,
    StoreKind,
    at_most_once,
    claim_one,
    job,
)

from autocron.errors import ClaimLostError, InvalidStateError
from autocron.model import CANCELLED, DONE, ERROR, RUNNING, WAITING, Claim, Finished, Job, Status
from autocron.store.protocol import Store

Transition = Callable[[Store, Claim], None]

OUTCOMES: dict[str, Transition] = {
    "finish": lambda store, claim: store.finish(claim, '"stale"', 7, EXPIRY, LATER),
    "fail": lambda store, claim: store.fail(claim, "stale", "stale", 7, EXPIRY, LATER),
    "fail, lost": lambda store, claim: store.fail(claim, "stale", "stale", 7, EXPIRY, LATER, lost=True),
    "retry_later": lambda store, claim: store.retry_later(claim, "stale", "", 7, LATER, LATER),
    "retry_later, lost": lambda store, claim: store.retry_later(claim, "stale", "", 7, LATER, LATER, lost=True),
    "suspect": lambda store, claim: store.suspect(claim, "stale", 7, 1, LATER),
    "release": lambda store, claim: store.release(claim, LATER),
    "give_back": lambda store, claim: store.give_back(claim, LATER),
    "hold": lambda store, claim: store.hold(claim, "stale", LATER),
    "cancelled": lambda store, claim: store.cancelled(claim, 7, EXPIRY, LATER),
}
BACK_TO_WAITING = ["retry_later", "retry_later, lost", "suspect", "release", "give_back", "hold"]

any_outcome = pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=OUTCOMES)


def found(store: Store, name: str) -> Job:
    job = store.job(name)
    assert job is not None
    return job


def running(store: Store, application: int, **options: object) -> tuple[str, Claim]:
    (name,) = store.add([job(application, **options)], NOW)
    return name, claim_one(store, application).claim


# -- each transition ---------------------------------------------------------------------------------------


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


def test_g24_a_suspect_is_not_counted_and_is_claimed_only_for_a_company_that_is_small_enough(
    store: Store, application: int
) -> None:
    name, claim = running(store, application)
    other = store.add([job(application)], NOW)
    store.suspect(claim, "the worker died", 7, 3, LATER)
    assert (found(store, name).status, found(store, name).error) == (WAITING, "the worker died")
    assert [(end.outcome, end.error) for end in store.attempts(name)] == [("lost", "the worker died")]
    assert store.suspects() == {application: True}
    assert [work.uuid for work in store.claim(application, 9, OWNER, NOW)] == other
    assert store.claim(application, 9, OWNER, NOW, company=4) == []
    assert store.claim(application, 9, OWNER, NOW, company=1, concurrent=True) == []
    (again,) = store.claim(application, 9, OWNER, NOW, company=3)
    assert (again.uuid, again.claim.attempt, again.failures, again.lost, again.company) == (name, 2, 0, 0, 3)
    assert store.suspects() == {application: False}
    store.finish(again.claim, "1", 7, EXPIRY, LATER)
    assert (found(store, name).error, store.suspects()) == ("", {})


@pytest.mark.parametrize("company", [-1, 0])
def test_a_job_whose_company_is_not_limited_is_no_suspect(store: Store, application: int, company: int) -> None:
    name, claim = running(store, application)
    store.suspect(claim, "the worker died", 7, company, LATER)
    assert store.suspects() == {}
    again = claim_one(store, application)
    assert (again.uuid, again.lost, again.company) == (name, 0, company)


def test_g21_a_suspect_stays_one_whatever_else_happens_to_it(kind: StoreKind, store: Store, application: int) -> None:
    _, claim = running(store, application)
    store.suspect(claim, "the worker died", 7, 2, NOW)
    for end in ("release", "give_back", "retry_later", "hold"):
        (again,) = store.claim(application, 1, OWNER, NOW, company=1)
        OUTCOMES[end](store, again.claim)
        store.promote(LATER)
        store.attach(application, LATER)
    (again,) = store.claim(application, 1, OWNER, NOW, company=1)
    assert store.recover(OTHER_OWNER, EXPIRY, LATER) == 1
    kind.pause(store, "default")
    assert store.suspects() == {application: False}
    kind.resume(store, "default")
    (again,) = store.claim(application, 1, OWNER, NOW, company=2)
    assert (again.company, again.lost) == (2, 0)


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


def test_g32_a_cancelled_waiting_job_never_starts(store: Store, application: int) -> None:
    names = store.add([job(application), job(application, run_at=LATER)], NOW)
    for name in names:
        assert store.cancel(name, EXPIRY, NOW) is CANCELLED
        assert (found(store, name).status, found(store, name).finished_at) == (CANCELLED, NOW)
    store.promote(EXPIRY)
    assert store.claim(application, 5, OWNER, EXPIRY) == []
    assert store.next_expiry() == EXPIRY


def test_g32_a_held_job_can_be_cancelled(store: Store, application: int) -> None:
    name, claim = running(store, application)
    store.hold(claim, "unknown", NOW)
    assert store.cancel(name, EXPIRY, NOW) is CANCELLED
    store.attach(application, LATER)
    assert store.claim(application, 1, OWNER, LATER) == []
    assert not found(store, name).held


def test_the_wish_to_cancel_a_running_job_is_noted_until_its_attempt_has_ended(store: Store, application: int) -> None:
    name, claim = running(store, application)
    assert store.cancel_requests() == []
    assert store.cancel(name, EXPIRY, NOW) is RUNNING
    assert store.cancel(name, EXPIRY, NOW) is RUNNING
    assert store.cancel_requests() == [claim]
    assert found(store, name).status is RUNNING
    store.cancelled(claim, 7, EXPIRY, LATER)
    assert (found(store, name).status, found(store, name).finished_at) == (CANCELLED, LATER)
    assert store.cancel_requests() == []


@pytest.mark.parametrize("outcome", BACK_TO_WAITING)
def test_g32_a_job_whose_cancellation_was_asked_for_never_waits_again(store: Store, application: int, outcome: str) -> None:
    name, claim = running(store, application)
    store.cancel(name, EXPIRY, NOW)
    OUTCOMES[outcome](store, claim)
    assert (found(store, name).status, found(store, name).finished_at) == (CANCELLED, LATER)
    assert store.next_expiry() == LATER + CANCELLED_KEPT
    assert store.cancel_requests() == []
    store.promote(EXPIRY)
    assert store.claim(application, 1, OWNER, EXPIRY) == []


def test_a_job_that_finished_before_it_could_be_cancelled_is_done(store: Store, application: int) -> None:
    name, claim = running(store, application)
    store.cancel(name, EXPIRY, NOW)
    store.finish(claim, "1", 7, EXPIRY, LATER)
    assert found(store, name).status is DONE
    assert store.cancel_requests() == []


@pytest.mark.parametrize("outcome", ["finish", "fail", "cancelled"])
def test_cancelling_what_has_ended_changes_nothing(kind: StoreKind, store: Store, application: int, outcome: str) -> None:
    name, claim = running(store, application)
    OUTCOMES[outcome](store, claim)
    before = kind.contents(store)
    assert store.cancel(name, EXPIRY + 1, LATER + 1) is found(store, name).status
    assert kind.contents(store) == before


@pytest.mark.parametrize("outcome", ["fail", "fail, lost", "cancelled"])
def test_retry_gives_a_failed_or_cancelled_job_all_its_attempts_again(store: Store, application: int, outcome: str) -> None:
    name, claim = running(store, application)
    store.retry_later(claim, "E", "", 7, NOW, NOW)
    OUTCOMES[outcome](store, claim_one(store, application).claim)
    ended_as = found(store, name).status
    assert store.retry(name, LATER) is ended_as
    waiting = found(store, name)
    assert (waiting.status, waiting.run_at, waiting.finished_at) == (WAITING, LATER, None)
    assert store.next_expiry() is None
    again = claim_one(store, application, now=LATER)
    assert (again.claim.attempt, again.failures, again.lost) == (3, 0, 0)
    assert store.cancel_requests() == []


def test_retry_lifts_a_suspicion(store: Store, application: int) -> None:
    name, claim = running(store, application)
    store.suspect(claim, "the worker died", 7, 1, NOW)
    store.cancel(name, EXPIRY, NOW)
    store.retry(name, LATER)
    assert claim_one(store, application, now=LATER).company == 0


def test_retry_of_a_job_in_another_state_changes_nothing(kind: StoreKind, store: Store, application: int) -> None:
    names = store.add([job(application) for _ in range(3)], NOW)
    done, _ = store.claim(application, 2, OWNER, NOW)
    store.finish(done.claim, "1", 7, EXPIRY, NOW)
    before = kind.contents(store)
    assert [store.retry(name, LATER) for name in names] == [DONE, RUNNING, WAITING]
    assert kind.contents(store) == before


def test_retry_is_refused_while_another_job_has_its_unique_key(kind: StoreKind, store: Store, application: int) -> None:
    name, claim = running(store, application, unique_key="k")
    store.fail(claim, "E", "", 7, EXPIRY, NOW)
    store.add([job(application, unique_key="k")], NOW)
    before = kind.contents(store)
    with pytest.raises(InvalidStateError, match=f"{name}.*unique key"):
        store.retry(name, LATER)
    assert kind.contents(store) == before


# -- fences ------------------------------------------------------------------------------------------------


@any_outcome
def test_g23_the_outcome_of_an_older_attempt_is_refused(
    kind: StoreKind, store: Store, application: int, outcome: Transition
) -> None:
    _, old = running(store, application)
    store.release(old, NOW)
    claim_one(store, application)
    refused(kind, store, outcome, old)


@any_outcome
@pytest.mark.parametrize("change", ["owner", "attempt", "job"])
def test_g23_the_outcome_of_somebody_else_is_refused(
    kind: StoreKind, store: Store, application: int, outcome: Transition, change: str
) -> None:
    _, claim = running(store, application)
    wrong = {
        "owner": claim._replace(owner=OTHER_OWNER),
        "attempt": claim._replace(attempt=claim.attempt + 1),
        "job": claim._replace(job=claim.job + 1),
    }
    refused(kind, store, outcome, wrong[change])


@any_outcome
@pytest.mark.parametrize("first", OUTCOMES.values(), ids=OUTCOMES)
def test_g23_an_attempt_has_one_outcome(
    kind: StoreKind, store: Store, application: int, first: Transition, outcome: Transition
) -> None:
    _, claim = running(store, application)
    first(store, claim)
    refused(kind, store, outcome, claim)


def test_g23_the_claim_on_a_deleted_job_is_none_on_the_job_that_follows_it(
    kind: StoreKind, store: Store, application: int
) -> None:
    _, old = running(store, application)
    store.finish(old, "1", 7, NOW, NOW)
    store.expire(NOW, 10)
    running(store, application)
    refused(kind, store, OUTCOMES["finish"], old)


def refused(kind: StoreKind, store: Store, outcome: Transition, claim: Claim) -> None:
    """The outcome raises and leaves everything as it was, alone and inside a transaction that goes on."""
    before = kind.contents(store)
    with pytest.raises(ClaimLostError):
        outcome(store, claim)
    with store.transaction(), pytest.raises(ClaimLostError):
        outcome(store, claim)
    assert kind.contents(store) == before


# -- recovery and expiry -----------------------------------------------------------------------------------


def test_g21_recover_frees_the_jobs_of_every_other_owner_at_once(store: Store, application: int) -> None:
    store.add([job(application) for _ in range(3)], NOW)
    mine = claim_one(store, application, owner=OWNER)
    dead = claim_one(store, application, owner=OTHER_OWNER)
    dead_too = claim_one(store, application, owner="host:3:cccc")
    assert store.recover(OWNER, EXPIRY, LATER) == 2
    assert [found(store, work.uuid).status for work in (mine, dead, dead_too)] == [RUNNING, WAITING, WAITING]
    assert {work.uuid for work in store.claim(application, 5, OWNER, LATER)} == {dead.uuid, dead_too.uuid}
    assert store.recover(OWNER, EXPIRY, LATER) == 0
    store.finish(mine.claim, "1", 7, EXPIRY, LATER)


def test_a_recovered_job_is_not_counted_as_failed(store: Store, application: int) -> None:
    running(store, application)
    store.recover(OTHER_OWNER, EXPIRY, LATER)
    again = claim_one(store, application)
    assert (again.claim.attempt, again.failures, again.lost) == (2, 0, 0)


def test_a_job_that_may_run_at_most_once_is_an_error_after_its_supervisor_died(store: Store, application: int) -> None:
    name, _ = running(store, application, policy=at_most_once())
    assert store.recover(OTHER_OWNER, EXPIRY, LATER) == 1
    failed = found(store, name)
    assert (failed.status, failed.finished_at) == (ERROR, LATER)
    assert "at most once" in failed.error
    assert store.next_expiry() == EXPIRY


def test_g32_a_dying_job_that_was_to_be_cancelled_is_cancelled_by_recovery(store: Store, application: int) -> None:
    name, _ = running(store, application)
    store.cancel(name, EXPIRY, NOW)
    store.recover(OTHER_OWNER, EXPIRY, LATER)
    assert found(store, name).status is CANCELLED


def test_g31_expired_jobs_vanish_with_their_attempts(kind: StoreKind, store: Store, application: int) -> None:
    empty = kind.contents(store)
    expiries = [LATER, LATER + 1, LATER + 2]
    for expiry in expiries:
        _, claim = running(store, application)
        store.retry_later(claim, "E", "Traceback", 7, NOW, NOW)
        store.fail(claim_one(store, application).claim, "E", "Traceback", 7, expiry, NOW)
    assert store.expire(LATER - 1, 10) == 0
    assert store.next_expiry() == LATER
    assert store.expire(LATER + 1, 10) == 2
    assert store.next_expiry() == LATER + 2
    assert store.expire(LATER + 2, 10) == 1
    assert store.next_expiry() is None
    assert kind.contents(store) == empty | {"totals": [("error", NOW // (60 * SECOND), 3)]}


def test_g31_expiry_goes_in_portions(store: Store, application: int) -> None:
    for _ in range(5):
        store.finish(running(store, application)[1], "1", 7, LATER, NOW)
    assert [store.expire(LATER, 2) for _ in range(4)] == [2, 2, 1, 0]


def test_what_waits_or_runs_never_expires(store: Store, application: int) -> None:
    name, claim = running(store, application)
    store.fail(claim, "E", "", 7, LATER, NOW)
    store.retry(name, NOW)
    store.add([job(application), job(application, run_at=LATER)], NOW)
    claim_one(store, application)
    assert store.expire(LATER + 100 * 365 * 86_400 * SECOND, 10) == 0
    assert len(store.jobs()) == 3


@pytest.mark.parametrize("status", list(Status))
def test_statuses_are_their_texts(status: Status) -> None:
    assert status == status.value
    assert status.is_final == (status in (DONE, ERROR, CANCELLED))
