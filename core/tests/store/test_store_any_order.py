"""Any order of transitions, by any owner, with a clock that steps: the store does what the model does."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from store_kinds import NOW, OTHER_OWNER, OWNER, SECOND, StoreKind, at_most_once, launch
from store_model import FOR_LATER, HELD, READY, Model, Ticket, new_job

from autocron.errors import ClaimLostError, InvalidStateError
from autocron.model import RUNNING, WAITING, Claim, Finished, Status

TASKS = ["app.work", "app.other"]
OWNERS = [OWNER, OTHER_OWNER]

seconds = st.integers(-3, 3).map(lambda number: number * SECOND)
applications = st.sampled_from([0, 1])
new_jobs = st.tuples(
    applications,
    st.sampled_from(TASKS),
    st.sampled_from([-1, 0, 0, 0, 1]),
    st.sampled_from(["default", "default", "mail"]),
    st.one_of(st.none(), seconds),
    st.sampled_from([None, None, None, "k", "l"]),
    st.sampled_from(["{}", "{}", at_most_once()]),
    st.sampled_from([False, False, True]),
    st.sampled_from(["", "", '{"values": {}}']),
)


class ThoughtBetterOfItError(Exception):
    pass


class AnyOrder(RuleBasedStateMachine):
    """``kind`` is set by the test."""

    kind: StoreKind

    jobs = Bundle("jobs")
    tickets = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = self.kind.connect(Path(self.folder.name))
        self.model = Model()
        self.now = NOW
        self.claims: dict[tuple[str, int, str], Claim] = {}
        # The first knows both tasks, the second only one.
        self.known = [set(TASKS), {TASKS[0]}]
        self.numbers = [
            self.store.register(launch(str(n)), dict.fromkeys(tasks, "app"), [], NOW) for n, tasks in enumerate(self.known)
        ]

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    # -- the world -----------------------------------------------------------------------------------------

    @rule(step=st.sampled_from([1, SECOND, 3 * SECOND, 2000 * SECOND, -SECOND, -5000 * SECOND]))
    def the_clock_steps(self, step: int) -> None:
        self.now += step

    @rule()
    def another_connection(self) -> None:
        self.store.close()

    @rule(queue=st.sampled_from(["default", "mail"]), paused=st.booleans())
    def a_queue_is_paused_or_resumed(self, queue: str, paused: bool) -> None:
        if paused:
            self.kind.pause(self.store, queue)
            self.model.paused.add(queue)
        else:
            self.kind.resume(self.store, queue)
            self.model.paused.discard(queue)

    # -- into waiting --------------------------------------------------------------------------------------

    @rule(target=jobs, given=st.lists(new_jobs, min_size=1, max_size=3))
    def add(self, given: list[tuple[Any, ...]]) -> Any:
        new = [
            new_job(self.numbers[app], task, priority, queue, None if delay is None else self.now + delay, *others)
            for app, task, priority, queue, delay, *others in given
        ]
        names = self.store.add(new, self.now)
        for each, name in zip(new, names, strict=True):
            existing = self.model.with_key(each.unique_key)
            if existing is not None:
                assert name == existing.uuid
            else:
                assert name not in self.model.rows
                self.model.add(each, name, self.now)
        return multiple(*names)

    @rule(target=jobs, like=new_jobs, number=st.sampled_from([0, 1, 3]))
    def add_each(self, like: tuple[Any, ...], number: int) -> Any:
        app, task, priority, queue, delay, _, *others = like
        new = new_job(self.numbers[app], task, priority, queue, None if delay is None else self.now + delay, None, *others)
        names = self.store.add_each(new, ["[]"] * number, self.now)
        assert len(set(names) - self.model.rows.keys()) == number
        for name in names:
            self.model.add(new, name, self.now)
        return multiple(*names)

    @rule()
    def promote(self) -> None:
        assert self.store.promote(self.now) == self.model.promote(self.now)

    @rule(name=jobs)
    def retry(self, name: str) -> None:
        row = self.model.rows.get(name)
        if row is None:
            assert self.store.retry(name, self.now) is None
        elif not row.is_open and row.state is not Status.DONE and self.model.with_key(row.new.unique_key):
            with pytest.raises(InvalidStateError):
                self.store.retry(name, self.now)
        else:
            assert self.store.retry(name, self.now) is self.model.retry(row, self.now)

    @rule(application=applications)
    def attach(self, application: int) -> None:
        self.store.attach(self.numbers[application], self.now)
        self.model.attach(self.numbers[application])

    @rule(adopter=applications)
    def adopt(self, adopter: int) -> None:
        mine, others = self.numbers[adopter], self.numbers[1 - adopter]
        assert self.store.adopt_jobs(mine, [others]) == self.model.adopt(mine, others, self.known[adopter])

    # -- running -------------------------------------------------------------------------------------------

    @rule(
        target=tickets,
        application=applications,
        limit=st.integers(0, 3),
        owner=st.sampled_from(OWNERS),
        concurrent=st.sampled_from([False, False, True]),
        company=st.sampled_from([0, 0, 1, 2]),
    )
    def claim(self, application: int, limit: int, owner: str, concurrent: bool, company: int) -> Any:
        number = self.numbers[application]
        works = self.store.claim(number, limit, owner, self.now, concurrent=concurrent, company=company)
        expected = self.model.claim(number, limit, owner, self.now, concurrent, company)
        assert [(work.uuid, work.claim.attempt, work.failures, work.lost, work.company, work.context) for work in works] == [
            (row.uuid, row.attempt, row.failures, row.lost, row.company, row.new.context) for row in expected
        ]
        for work in works:
            self.claims[work.uuid, work.claim.attempt, owner] = work.claim
        return multiple(*(Ticket(work.uuid, work.claim.attempt, owner) for work in works))

    @rule(
        ticket=tickets,
        outcome=st.sampled_from(["finish", "fail", "retry_later", "suspect", "release", "give_back", "hold", "cancelled"]),
        after=seconds,
        lost=st.booleans(),
        company=st.sampled_from([-1, 1, 2]),
        as_owner=st.sampled_from([None, None, None, *OWNERS]),
    )
    def an_attempt_ends(self, ticket: Ticket, outcome: str, after: int, lost: bool, company: int, as_owner: str | None) -> None:
        claim = self.claims[ticket.uuid, ticket.attempt, ticket.owner]
        if as_owner is not None:
            ticket, claim = Ticket(ticket.uuid, ticket.attempt, as_owner), claim._replace(owner=as_owner)
        now, moment = self.now, self.now + after
        row = self.model.holder(ticket)
        if row is None:
            with pytest.raises(ClaimLostError):
                self.report(outcome, claim, moment, lost, company)
            return
        self.report(outcome, claim, moment, lost, company)
        match outcome:
            case "finish":
                self.model.finish(row, moment, now)
            case "fail":
                self.model.fail(row, moment, now, lost)
            case "retry_later":
                self.model.retry_later(row, moment, now, lost)
            case "suspect":
                self.model.suspect(row, company, now)
            case "release":
                self.model.release(row, now)
            case "give_back":
                self.model.give_back(row, now)
            case "hold":
                self.model.hold(row, now)
            case "cancelled":
                self.model.end(row, Status.CANCELLED, moment, now)
                row.worker = 7

    def report(self, outcome: str, claim: Claim, moment: int, lost: bool, company: int) -> None:
        store, now = self.store, self.now
        match outcome:
            case "finish" if lost:  # as one of many
                if not store.finish_each([Finished(claim, '"done"', 7, moment)], now):
                    raise ClaimLostError
            case "finish":
                store.finish(claim, '"done"', 7, moment, now)
            case "fail":
                store.fail(claim, "failed", "Traceback", 7, moment, now, lost=lost)
            case "retry_later":
                store.retry_later(claim, "failed", "Traceback", 7, moment, now, lost=lost)
            case "suspect":
                store.suspect(claim, "died", 7, company, now)
            case "release":
                store.release(claim, now)
            case "give_back":
                store.give_back(claim, now)
            case "hold":
                store.hold(claim, "held", now)
            case "cancelled":
                store.cancelled(claim, 7, moment, now)

    @rule(ticket=tickets, progress=st.sampled_from([None, "[1, 2]", "[2, 2]"]), lines=st.sampled_from(["", "a line\n"]))
    def an_attempt_tells_of_itself(self, ticket: Ticket, progress: str | None, lines: str) -> None:
        self.store.note(self.claims[ticket.uuid, ticket.attempt, ticket.owner], progress, lines, self.now)
        if (row := self.model.holder(ticket)) is not None and progress is not None:
            row.progress = progress

    @rule(name=jobs, after=seconds)
    def cancel(self, name: str, after: int) -> None:
        row = self.model.rows.get(name)
        status = self.store.cancel(name, self.now + after, self.now)
        assert status is (None if row is None else self.model.cancel(row, self.now + after, self.now))

    @rule(owner=st.sampled_from(OWNERS), after=seconds)
    def recover(self, owner: str, after: int) -> None:
        expires_at = self.now + after
        assert self.store.recover(owner, expires_at, self.now) == self.model.recover(owner, expires_at, self.now)
        for row in self.model.rows.values():
            if row.error == "?":  # its words are the store's own
                found = self.store.job(row.uuid)
                assert found is not None
                assert found.error
                row.error = found.error

    @rule(limit=st.sampled_from([1, 2, 100]))
    def expire(self, limit: int) -> None:
        expired = self.model.expired(self.now)
        assert self.store.expire(self.now, limit) == min(limit, len(expired))
        gone = {name for name in expired if self.store.job(name) is None}
        assert len(gone) == min(limit, len(expired))
        for name in gone:
            del self.model.rows[name]

    @precondition(lambda self: self.model.rows)
    @rule(name=jobs, owner=st.sampled_from(OWNERS))
    def a_transaction_that_raises(self, name: str, owner: str) -> None:
        with contextlib.suppress(ThoughtBetterOfItError), self.store.transaction():
            self.store.cancel(name, self.now, self.now)
            self.store.promote(self.now)
            for work in self.store.claim(self.numbers[0], 2, owner, self.now):
                self.store.finish(work.claim, "1", 7, self.now, self.now)
            self.store.expire(self.now, 100)
            raise ThoughtBetterOfItError

    # -- always --------------------------------------------------------------------------------------------

    @invariant()
    def every_job_is_as_the_model_has_it(self) -> None:
        newest_first = sorted(self.model.rows.values(), key=lambda row: -row.arrival)
        assert self.store.jobs() == [row.as_job() for row in newest_first]
        assert self.store.jobs(finished=True) == [row.as_job() for row in newest_first if not row.is_open]

    @invariant()
    def every_question_is_answered_as_the_model_would(self) -> None:
        rows = list(self.model.rows.values())
        counts = self.store.counts()
        assert all(counts[status] == len(self.model.in_state(status)) for status in Status)
        later = [row.run_at for row in self.model.in_state(WAITING, FOR_LATER)]
        assert self.store.next_run_at() == min(later, default=None)
        for number in self.numbers:
            ready = {kind: bool(self.model.ready(number, kind)) for kind in (False, True)}
            assert self.store.has_ready(number) == ready
        assert self.store.next_expiry() == min((row.expires_at for row in rows if row.expires_at is not None), default=None)
        wishes = [(row.attempt, row.owner) for row in self.model.in_state(RUNNING) if row.cancel_requested]
        found = [(claim.attempt, claim.owner) for claim in self.store.cancel_requests()]
        assert sorted(found) == sorted((attempt, owner or "") for attempt, owner in wishes)
        assert self.store.news()[:3] == (self.store.revision(), min(later, default=None), bool(wishes))
        startable = {row.application for row in self.model.in_state(WAITING) if row.readiness in (READY, HELD)}
        assert set(self.store.with_waiting_jobs(self.numbers)) == startable
        assert self.store.suspects() == self.model.suspects()


def explore(kind: StoreKind, examples: int, steps: int) -> None:
    machine = type("AnyOrderOf_" + kind.name, (AnyOrder,), {"kind": kind})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_g21_any_order_of_transitions_leaves_each_job_where_it_belongs(kind: StoreKind) -> None:
    explore(kind, 25, 40)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_g21_any_order_of_transitions_leaves_each_job_where_it_belongs_at_length(kind: StoreKind) -> None:
    explore(kind, 2000, 60)
