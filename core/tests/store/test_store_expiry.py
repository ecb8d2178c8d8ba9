"""final → gone."""

from __future__ import annotations

from store_kinds import LATER, NOW, SECOND, StoreKind, claim_one, job, running

from autocron.store.protocol import Store


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
