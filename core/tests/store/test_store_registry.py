"""Settings, applications and their tasks; which application gets the jobs of one that is gone."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest
from store_kinds import EXPIRY, LATER, NOW, OWNER, StoreKind, claim_one, job, launch, schedule

from autocron.model import Launch, Settings, Setup
from autocron.store.protocol import Store

# -- settings ----------------------------------------------------------------------------------------------


def test_settings_have_their_defaults_until_they_are_changed(store: Store) -> None:
    assert store.settings() == Settings()


def test_changed_settings_are_seen_by_every_process(store: Store, other_process: Store) -> None:
    store.change_settings({"workers": 4, "result_ttl": 60.5, "timezone": "Europe/Berlin", "autocron_lock": True})
    expected = Settings(workers=4, result_ttl=60.5, timezone="Europe/Berlin", autocron_lock=True)
    assert store.settings() == other_process.settings() == expected
    other_process.change_settings({"workers": 2})
    assert store.settings() == expected._replace(workers=2)


def test_none_gives_a_setting_its_default_back(store: Store) -> None:
    store.change_settings({"workers": 4, "threads": 3})
    store.change_settings({"workers": None})
    assert store.settings() == Settings(threads=3)


def test_settings_of_a_newer_version_are_left_alone(store: Store) -> None:
    store.change_settings({"of_a_newer_version": [1, 2]})
    store.change_settings({"workers": 2})
    assert store.settings() == Settings(workers=2)


# -- the revision ------------------------------------------------------------------------------------------


def test_the_revision_grows_with_every_change_that_a_supervisor_must_look_at(store: Store, other_process: Store) -> None:
    seen = [store.revision()]

    def grown() -> bool:
        seen.append(other_process.revision())
        return seen[-1] > seen[-2]

    store.change_settings({"workers": 2})
    assert grown()
    number = store.register(launch(), {}, [], NOW)
    assert grown()
    store.register(launch(), {"app.work": "app"}, [], NOW)
    assert grown()
    store.register(launch(), {"app.work": "app"}, [schedule()], NOW)
    assert grown()
    store.register(launch(), {"app.work": "app"}, [schedule(spec='{"every": 5}')], NOW)
    assert grown()
    store.attach(number, NOW)
    assert grown()
    store.mark_broken(number, {"app.tidy": "ImportError"})
    assert grown()
    store.drop_schedules(number, ["app.tidy"])
    assert grown()
    assert store.forget_applications([number]) == 1
    assert grown()


def test_the_revision_stays_when_nothing_changes(store: Store) -> None:
    store.change_settings({"workers": 2})
    number = store.register(launch(), {"app.work": "app"}, [schedule()], NOW)
    before = store.revision()
    store.change_settings({"workers": 2, "threads": None})
    assert store.register(launch(), {"app.work": "app"}, [schedule()], LATER) == number
    store.add([job(number)], NOW)
    claim_one(store, number)
    assert store.forget_applications([number]) == 0
    assert store.revision() == before


# -- applications ------------------------------------------------------------------------------------------


def test_an_application_is_known_by_its_launch(store: Store, other_process: Store) -> None:
    full = Launch("/py", "/srv", ("/a", "/b"), ("app", "/srv/app.py"), (Setup("m:f", '{"a": 1}', "app"),))
    numbers = [store.register(each, {}, [], NOW) for each in (launch("a"), launch("b"), full)]
    assert len(set(numbers)) == 3
    assert other_process.register(full, {}, [], LATER) == numbers[2]
    assert {each.id: each.launch for each in other_process.applications()} == dict(
        zip(numbers, (launch("a"), launch("b"), full), strict=True)
    )


def test_an_application_is_listed_with_the_modules_of_its_tasks(store: Store) -> None:
    tasks = {"app.work": "app", "app.mail": "app", "other.task": "other"}
    store.register(launch(), tasks, [], NOW)
    store.register(launch("b"), {"app.work": "b"}, [], NOW)
    assert [each.modules for each in store.applications()] == [("app", "other"), ("b",)]


def test_attach_notes_when_it_was(store: Store, application: int) -> None:
    store.attach(application, LATER)
    assert [each.attached_at for each in store.applications()] == [LATER]


def test_g30_attaching_frees_held_jobs_of_this_application_only(store: Store, application: int) -> None:
    other = store.register(launch("other"), {}, [], NOW)
    for number in (application, other):
        store.add([job(number)], NOW)
        store.hold(claim_one(store, number).claim, "unknown", NOW)
    store.attach(application, LATER)
    assert len(store.claim(application, 5, OWNER, LATER)) == 1
    assert store.claim(other, 5, OWNER, LATER) == []


def test_attaching_leaves_jobs_for_later_alone(store: Store, application: int) -> None:
    store.add([job(application, run_at=LATER)], NOW)
    store.attach(application, NOW)
    assert store.claim(application, 1, OWNER, NOW) == []
    assert store.next_run_at() == LATER


def test_jobs_of_a_gone_application_go_to_one_that_knows_their_tasks(store: Store, application: int) -> None:
    names = store.add([job(application), job(application, task="app.gone"), job(application, run_at=LATER)], NOW)
    adopter = store.register(launch("release-2"), {"app.work": "app"}, [], NOW)
    assert store.adopt_jobs(adopter, [application]) == 1
    assert store.adopt_jobs(adopter, [application]) == 0
    assert [work.uuid for work in store.claim(adopter, 5, OWNER, NOW)] == [names[0]]
    store.promote(LATER)  # the one for later follows
    assert store.adopt_jobs(adopter, [application]) == 1
    assert [work.uuid for work in store.claim(adopter, 5, OWNER, LATER)] == [names[2]]
    assert [work.uuid for work in store.claim(application, 5, OWNER, LATER)] == [names[1]]


def test_g23_a_running_job_is_not_adopted(store: Store, application: int) -> None:
    store.add([job(application)], NOW)
    work = claim_one(store, application)
    adopter = store.register(launch("release-2"), {"app.work": "app"}, [], NOW)
    assert store.adopt_jobs(adopter, [application]) == 0
    store.finish(work.claim, "1", 7, EXPIRY, NOW)


def test_g30_a_held_job_runs_after_newer_code_has_attached_from_another_folder(store: Store, application: int) -> None:
    (name,) = store.add([job(application, task="app.new")], NOW)
    store.hold(claim_one(store, application).claim, "the running code has no task app.new", NOW)
    adopter = store.register(launch("release-2"), {"app.new": "app"}, [], LATER)
    store.attach(adopter, LATER)
    orphaned = store.with_waiting_jobs([application])
    assert orphaned == [application]
    assert store.adopt_jobs(adopter, orphaned) == 1
    assert claim_one(store, adopter).uuid == name


def test_applications_without_jobs_are_forgotten_with_their_tasks_and_schedules(store: Store) -> None:
    idle = store.register(launch("idle"), {"app.work": "app"}, [schedule()], NOW)
    busy = store.register(launch("busy"), {"app.work": "app"}, [], NOW)
    other = store.register(launch("other"), {}, [], NOW)
    store.add([job(busy)], NOW)
    assert store.forget_applications([idle, busy]) == 1
    assert [each.id for each in store.applications()] == [busy, other]
    assert store.schedules() == []


# -- transactions ------------------------------------------------------------------------------------------


class ThoughtBetterOfItError(Exception):
    pass


def test_a_transaction_that_raises_leaves_everything_as_it_was(kind: StoreKind, store: Store, application: int) -> None:
    (waiting, _) = store.add([job(application), job(application)], NOW)
    work = claim_one(store, application)
    before = kind.contents(store)
    with contextlib.suppress(ThoughtBetterOfItError), store.transaction():
        store.add([job(application), job(application)], NOW)
        store.cancel(waiting, EXPIRY, NOW)
        store.retry_later(work.claim, "E", "Traceback", 7, LATER, NOW)
        store.claim(application, 5, OWNER, NOW)
        store.change_settings({"workers": 9})
        store.register(launch("other"), {"a.b": "a"}, [schedule()], NOW)
        with store.transaction():
            store.expire(EXPIRY, 10)
        raise ThoughtBetterOfItError
    assert kind.contents(store) == before
    store.finish(work.claim, "1", 7, EXPIRY, NOW)


def test_nobody_sees_half_a_transaction(store: Store, other_process: Store, application: int) -> None:
    with store.transaction():
        store.add([job(application)], NOW)
        with store.transaction():
            store.add([job(application)], NOW)
        assert len(other_process.jobs()) == 0
        assert len(store.jobs()) == 2
    assert len(other_process.jobs()) == 2


def test_jobs_that_are_added_together_are_stored_together_or_not_at_all(
    kind: StoreKind, store: Store, application: int
) -> None:
    before = kind.contents(store)
    impossible = job(application, arguments=object())
    with pytest.raises(sqlite3.Error):
        store.add([job(application), impossible, job(application)], NOW)
    assert kind.contents(store) == before
    assert len(store.add([job(application)], NOW)) == 1


def test_a_closed_store_opens_again_at_the_next_call(store: Store, application: int) -> None:
    (name,) = store.add([job(application)], NOW)
    store.close()
    store.close()
    assert store.job(name) is not None
