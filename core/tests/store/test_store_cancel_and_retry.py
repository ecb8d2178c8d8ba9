"""What a user asks for: waiting → cancelled, the wish to cancel a running job, and error | cancelled → waiting."""

from __future__ import annotations

import pytest
from store_kinds import CANCELLED_KEPT, EXPIRY, LATER, NOW, OWNER, StoreKind, claim_one, found, job, running
from store_outcomes import BACK_TO_WAITING, OUTCOMES

from autocron.errors import InvalidStateError
from autocron.model import CANCELLED, DONE, RUNNING, WAITING
from autocron.store.protocol import Store


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
