"""Whose outcome counts: that of the running attempt, once."""

from __future__ import annotations

import pytest
from store_kinds import NOW, OTHER_OWNER, StoreKind, claim_one, running
from store_outcomes import OUTCOMES, Transition, any_outcome

from autocron.errors import ClaimLostError
from autocron.model import Claim
from autocron.store.protocol import Store


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
