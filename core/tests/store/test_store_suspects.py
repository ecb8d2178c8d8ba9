"""Suspects: jobs beside others when their worker died, claimed for a smaller company from then on."""

from __future__ import annotations

import pytest
from store_kinds import EXPIRY, LATER, NOW, OTHER_OWNER, OWNER, StoreKind, claim_one, found, job, running
from store_outcomes import OUTCOMES

from autocron.model import WAITING
from autocron.store.protocol import Store


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


def test_retry_lifts_a_suspicion(store: Store, application: int) -> None:
    name, claim = running(store, application)
    store.suspect(claim, "the worker died", 7, 1, NOW)
    store.cancel(name, EXPIRY, NOW)
    store.retry(name, LATER)
    assert claim_one(store, application, now=LATER).company == 0
