"""The jobs of a supervisor that died: running → waiting, or → error for what may run at most once."""

from __future__ import annotations

from store_kinds import EXPIRY, LATER, NOW, OTHER_OWNER, OWNER, at_most_once, claim_one, found, job, running

from autocron.model import CANCELLED, ERROR, RUNNING, WAITING
from autocron.store.protocol import Store


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
