"""Stored schedules: registered, fired once per slot, dropped."""

from __future__ import annotations

import pytest
from store_kinds import EXPIRY, LATER, NOW, OTHER_OWNER, OWNER, SECOND, StoreKind, claim_one, job, launch, schedule

from autocron.model import ScheduledTask, Status
from autocron.store.protocol import Store

SLOT = NOW + 60 * SECOND
NEXT = NOW + 120 * SECOND


def registered(store: Store, *given: ScheduledTask, name: str = "app", now: int = NOW) -> list[ScheduledTask]:
    number = store.register(launch(name), {}, given or [schedule()], now)
    return [each for each in store.schedules() if each.application == number]


def test_a_schedule_comes_back_as_it_was_registered(store: Store, other_process: Store) -> None:
    full = schedule(
        arguments='["x"]', queue="q", priority=3, policy='{"retries": 1}', misfire="all", grace=5.5, overlap="queue", jitter=1.5
    )
    (stored,) = registered(store, full)
    assert stored == full._replace(application=stored.application)
    assert other_process.schedules() == [stored]


def test_a_schedule_that_never_comes_again_is_kept_too(store: Store) -> None:
    (stored,) = registered(store, schedule(next_run_at=None))
    assert stored.next_run_at is None


def test_g42_an_unchanged_schedule_keeps_its_next_slot_through_a_restart(store: Store) -> None:
    registered(store)
    (stored,) = registered(store, schedule(anchor=LATER, next_run_at=LATER + 60 * SECOND), now=LATER)
    assert (stored.anchor, stored.next_run_at) == (NOW, SLOT)


def test_g43_a_changed_schedule_applies_at_once(store: Store) -> None:
    registered(store)
    (stored,) = registered(store, schedule(spec='{"every": 5}', anchor=LATER, next_run_at=LATER + 5 * SECOND), now=LATER)
    assert (stored.spec, stored.anchor, stored.next_run_at) == ('{"every": 5}', LATER, LATER + 5 * SECOND)
    assert len(store.schedules()) == 1


def test_g43_changed_options_keep_the_next_slot(store: Store) -> None:
    registered(store)
    (stored,) = registered(store, schedule(overlap="allow", anchor=LATER, next_run_at=LATER), now=LATER)
    assert (stored.overlap, stored.anchor, stored.next_run_at) == ("allow", NOW, SLOT)


def test_a_new_release_of_the_application_goes_on_where_the_old_one_was(store: Store) -> None:
    (old,) = registered(store)
    store.fire(old, [(SLOT, SLOT)], NEXT, SLOT)
    (new,) = registered(store, schedule(anchor=LATER, next_run_at=LATER), name="release-2", now=LATER)
    assert (new.anchor, new.next_run_at, new.last_run_at) == (NOW, NEXT, SLOT)


# -- slots -------------------------------------------------------------------------------------------------


def test_a_fired_slot_is_one_job_and_the_schedule_moves_on(store: Store) -> None:
    (stored,) = registered(store, schedule(arguments='["x"]', queue="q", priority=3, policy='{"retries": 1}'))
    assert store.fire(stored, [(SLOT, SLOT)], NEXT, SLOT) == 1
    work = claim_one(store, stored.application, now=SLOT)
    assert (work.task, work.arguments, work.schedule, work.policy.retries) == ("app.tidy", '["x"]', "app.tidy", 1)
    found = store.job(work.uuid)
    assert found is not None
    assert (found.queue, found.priority, found.run_at, found.created_at) == ("q", 3, SLOT, SLOT)
    (moved,) = store.schedules()
    assert (moved.next_run_at, moved.last_run_at) == (NEXT, SLOT)


def test_g1_two_who_fire_the_same_slot_make_one_job(kind: StoreKind, store: Store, other_process: Store) -> None:
    (stored,) = registered(store)
    assert store.fire(stored, [(SLOT, SLOT)], NEXT, SLOT) == 1
    before = kind.contents(store)
    assert other_process.fire(stored, [(SLOT, SLOT)], NEXT, SLOT) == 0
    assert store.fire(stored, [(SLOT, SLOT)], NEXT, SLOT + 1) == 0
    assert kind.contents(store) == before


def test_g1_a_slot_makes_one_job_even_when_the_clock_goes_back(store: Store) -> None:
    (stored,) = registered(store)
    store.fire(stored, [(SLOT, SLOT)], NEXT, SLOT)
    (moved,) = store.schedules()
    assert store.fire(moved, [(SLOT, SLOT), (NEXT, NEXT)], NEXT + SECOND, NEXT) == 1
    assert len(store.jobs()) == 2


def test_g1_applications_that_share_a_schedule_fire_each_slot_once(store: Store) -> None:
    (first,) = registered(store)
    (second,) = registered(store, name="release-2")
    assert store.fire(first, [(SLOT, SLOT)], NEXT, SLOT) == 1
    assert [(each.next_run_at, each.last_run_at) for each in store.schedules()] == [(NEXT, SLOT)] * 2
    assert store.fire(second, [(SLOT, SLOT)], NEXT, SLOT) == 0


def test_a_schedule_that_was_changed_since_it_was_read_does_not_fire(store: Store) -> None:
    (old,) = registered(store)
    registered(store, schedule(spec='{"every": 5}'))
    assert store.fire(old, [(SLOT, SLOT)], NEXT, SLOT) == 0
    assert store.jobs() == []
    assert [each.next_run_at for each in store.schedules()] == [SLOT]


def test_a_schedule_that_was_moved_on_since_it_was_read_is_left_where_it_is(kind: StoreKind, store: Store) -> None:
    (old,) = registered(store)
    store.fire(old, [(SLOT, SLOT)], NEXT, SLOT)
    before = kind.contents(store)
    assert store.fire(old, [(SLOT + 1, SLOT + 1)], NEXT + 1, SLOT) == 0
    assert kind.contents(store) == before


def test_a_schedule_that_was_dropped_since_it_was_read_does_not_fire(store: Store) -> None:
    (old,) = registered(store)
    store.drop_schedules(old.application, [old.task])
    assert store.fire(old, [(SLOT, SLOT)], NEXT, SLOT) == 0
    assert store.jobs() == []


def test_a_jittered_slot_waits_for_its_moment(store: Store) -> None:
    (stored,) = registered(store)
    store.fire(stored, [(SLOT, SLOT + 7)], NEXT, SLOT)
    assert store.claim(stored.application, 1, OWNER, SLOT) == []
    assert store.next_run_at() == SLOT + 7
    store.promote(SLOT + 7)
    claim_one(store, stored.application, now=SLOT + 7)


def test_slots_that_are_made_up_for_are_jobs_in_their_order(store: Store) -> None:
    (stored,) = registered(store)
    slots = [(SLOT + n, SLOT + n) for n in range(3)]
    assert store.fire(stored, slots, NEXT, NEXT) == 3
    assert [found.run_at for found in store.jobs()[::-1]] == [slot for slot, _ in slots]
    assert [each.last_run_at for each in store.schedules()] == [slots[-1][0]]


def test_a_skipped_slot_moves_the_schedule_on_and_leaves_its_last_run(store: Store) -> None:
    (stored,) = registered(store)
    store.fire(stored, [(SLOT, SLOT)], NEXT, SLOT)
    (moved,) = store.schedules()
    assert store.fire(moved, [], None, NEXT) == 0
    (over,) = store.schedules()
    assert (over.next_run_at, over.last_run_at) == (None, SLOT)
    assert store.fire(over, [(NEXT, NEXT)], None, NEXT) == 1


def test_g44_has_unfinished_holds_while_a_job_of_the_schedule_waits_or_runs(store: Store) -> None:
    (stored,) = registered(store)
    store.add([job(stored.application, task="app.tidy")], NOW)
    assert not store.has_unfinished("app.tidy")
    store.fire(stored, [(SLOT, SLOT)], NEXT, SLOT)
    assert store.has_unfinished("app.tidy")
    works = store.claim(stored.application, 5, OWNER, SLOT)
    (fired,) = (work for work in works if work.schedule == "app.tidy")
    assert store.has_unfinished("app.tidy")
    assert not store.has_unfinished("app.other")
    store.finish(fired.claim, "1", 7, EXPIRY, SLOT)
    assert not store.has_unfinished("app.tidy")


@pytest.mark.parametrize("status", [Status.ERROR, Status.CANCELLED])
def test_g44_a_dead_run_never_blocks_its_schedule(store: Store, status: Status) -> None:
    (stored,) = registered(store)
    store.fire(stored, [(SLOT, SLOT)], NEXT, SLOT)
    claim = claim_one(store, stored.application, owner=OTHER_OWNER).claim
    if status is Status.ERROR:
        store.fail(claim, "the worker was killed", "", 7, EXPIRY, SLOT, lost=True)
    else:
        store.cancelled(claim, 7, EXPIRY, SLOT)
    assert not store.has_unfinished("app.tidy")


# -- overlap="queue" ---------------------------------------------------------------------------------------


def queued(store: Store, slots: int) -> tuple[int, list[str]]:
    (stored,) = registered(store, schedule(overlap="queue"))
    store.fire(stored, [(SLOT + n, SLOT + n) for n in range(slots)], NEXT, NEXT)
    return stored.application, [found.uuid for found in store.jobs()[::-1]]


def test_g44_queued_slots_run_one_after_the_other(store: Store) -> None:
    application, names = queued(store, 3)
    order = []
    for _ in names:
        work = claim_one(store, application, now=NEXT)
        assert store.promote(NEXT) == 0
        assert store.claim(application, 5, OWNER, NEXT) == []
        store.finish(work.claim, "1", 7, EXPIRY, NEXT)
        store.promote(NEXT)
        order.append(work.uuid)
    assert order == names
    assert store.claim(application, 5, OWNER, NEXT) == []


@pytest.mark.parametrize("ending", ["fail", "retry_later", "release", "cancel"])
def test_g44_a_queued_slot_waits_for_the_real_end_of_the_one_before(store: Store, ending: str) -> None:
    application, names = queued(store, 2)
    claim = claim_one(store, application, now=NEXT).claim
    match ending:
        case "fail":
            store.fail(claim, "E", "", 7, EXPIRY, NEXT)
        case "retry_later":
            store.retry_later(claim, "E", "", 7, EXPIRY, NEXT)
        case "release":
            store.release(claim, NEXT)
        case "cancel":
            store.cancel(names[0], EXPIRY, NEXT)
            store.cancelled(claim, 7, EXPIRY, NEXT)
    store.promote(NEXT)
    claimed = [work.uuid for work in store.claim(application, 5, OWNER, NEXT)]
    assert claimed == {"retry_later": [], "release": names[:1]}.get(ending, names[1:])


def test_g44_a_cancelled_waiting_slot_makes_way_for_the_next(store: Store) -> None:
    application, names = queued(store, 3)
    store.cancel(names[0], EXPIRY, NEXT)
    store.cancel(names[1], EXPIRY, NEXT)
    store.promote(NEXT)
    assert claim_one(store, application, now=NEXT).uuid == names[2]


def test_g44_queues_of_different_schedules_do_not_wait_for_each_other(store: Store) -> None:
    first, second = registered(store, schedule("app.a", overlap="queue"), schedule("app.b", overlap="queue"))
    for each in (first, second):
        store.fire(each, [(SLOT, SLOT), (SLOT + 1, SLOT + 1)], NEXT, NEXT)
    assert [work.schedule for work in store.claim(first.application, 5, OWNER, NEXT)] == ["app.a", "app.b"]


def test_overlapping_slots_that_are_allowed_to_start_together(store: Store) -> None:
    (stored,) = registered(store, schedule(overlap="allow"))
    store.fire(stored, [(SLOT, SLOT), (SLOT + 1, SLOT + 1)], NEXT, NEXT)
    assert len(store.claim(stored.application, 5, OWNER, NEXT)) == 2


# -- schedules that are gone or broken ---------------------------------------------------------------------


def test_g43_the_schedules_of_functions_that_are_gone_are_dropped(store: Store) -> None:
    kept, removed = registered(store, schedule("app.kept"), schedule("app.removed"))
    store.drop_schedules(kept.application, [removed.task])
    assert [each.name for each in store.schedules()] == ["app.kept"]


def test_g43_other_applications_keep_their_schedules(store: Store) -> None:
    (mine,) = registered(store)
    (other,) = registered(store, name="other")
    store.drop_schedules(mine.application, [mine.task])
    assert [each.application for each in store.schedules()] == [other.application]


def test_a_dropped_schedule_takes_its_waiting_jobs_along_and_leaves_the_running_one(store: Store) -> None:
    (stored,) = registered(store)
    store.fire(stored, [(SLOT, SLOT)], NEXT, SLOT)
    running = claim_one(store, stored.application, now=SLOT)
    (stored,) = store.schedules()
    store.fire(stored, [(NEXT, NEXT)], None, NEXT)
    store.drop_schedules(stored.application, [stored.task])
    assert [job.uuid for job in store.jobs()] == [running.uuid]


def test_a_broken_schedule_says_why_until_it_is_registered_again(store: Store) -> None:
    (stored,) = registered(store)
    registered(store, name="other")
    store.mark_broken(stored.application, {"app.tidy": "ImportError: no module x", "app.unknown": "?"})
    assert [each.broken for each in store.schedules()] == ["ImportError: no module x", ""]
    (again,) = registered(store)
    assert (again.broken, again.next_run_at) == ("", SLOT)
