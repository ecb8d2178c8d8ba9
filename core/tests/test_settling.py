"""From how an attempt ended to the job's next state: each verdict."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autocron import codec, hooks
from autocron.errors import EncodingError
from autocron.model import (
    CANCELLED,
    DONE,
    ERROR,
    MAX_LOST_ATTEMPTS,
    RUNNING,
    WAITING,
    Job,
    Launch,
    NewJob,
    Outcome,
    Policy,
    Settings,
    Setup,
    Work,
)
from autocron.store import SqliteStore
from autocron.supervisor.crew import describe_exit
from autocron.supervisor.settling import next_company, settle, settle_all
from autocron.supervisor.tidings import TELL_FAILED, TELL_MISSED
from autocron.supervisor.worker_process import Ending

SECOND = 1_000_000
NOW = 1_800_000_000 * SECOND
SETTINGS = Settings(result_ttl=100)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "jobs.db", create=True)
    yield opened
    opened.close()


def claimed(store: SqliteStore, policy: Policy | None = None) -> Work:
    if policy is not None:
        store.add([NewJob("app.work", "[]", 1, policy=policy.to_json())], NOW)
    (work,) = store.claim(1, 1, "me", NOW)
    return work


def settled(store: SqliteStore, work: Work, now: int = NOW, **ending: Any) -> tuple[Job, bool]:
    waits_again = settle(store, Ending(work, 7, **ending), SETTINGS, now)
    found = store.job(work.uuid)
    assert found is not None
    return found, waits_again


def test_a_result_ends_the_job_and_is_kept_for_the_stored_time(store: SqliteStore) -> None:
    job, waits_again = settled(store, claimed(store, Policy()), outcome=Outcome(result="5"))
    assert (job.status, job.result, waits_again) == (DONE, "5", False)
    assert store.next_expiry() == NOW + 100 * SECOND


@pytest.mark.parametrize("ttl", [0.0, 2.5])
@pytest.mark.parametrize("outcome", [Outcome(result="5"), Outcome(error="E")])
def test_the_jobs_own_ttl_goes_before_the_stored_one(store: SqliteStore, ttl: float, outcome: Outcome) -> None:
    settled(store, claimed(store, Policy(ttl=ttl)), outcome=outcome)
    assert store.next_expiry() == NOW + round(ttl * SECOND)


def test_g25_a_failure_is_retried_after_the_promised_pauses_and_then_is_an_error(store: SqliteStore) -> None:
    work = claimed(store, Policy(retries=2, backoff=(3.0, 5.0)))
    for pause in (3, 5):
        job, waits_again = settled(store, work, outcome=Outcome(error="ValueError: no", traceback="Traceback"))
        assert (job.status, job.run_at, waits_again) == (WAITING, NOW + pause * SECOND, True)
        store.promote(job.run_at)
        work = claimed(store)
    job, waits_again = settled(store, work, outcome=Outcome(error="ValueError: no", traceback="Traceback"))
    assert (job.status, job.error, job.traceback, job.attempts, waits_again) == (ERROR, "ValueError: no", "Traceback", 3, False)


def test_g25_an_error_that_may_not_be_retried_is_the_end(store: SqliteStore) -> None:
    job, _ = settled(store, claimed(store, Policy(retries=5)), outcome=Outcome(error="E", may_retry=False))
    assert (job.status, job.attempts) == (ERROR, 1)


def test_g30_an_unknown_task_is_held(store: SqliteStore) -> None:
    job, waits_again = settled(store, claimed(store, Policy()), outcome=Outcome(error="no task app.work", unknown=True))
    assert (job.status, job.held, job.error, waits_again) == (WAITING, True, "no task app.work", False)


def test_g26_a_timeout_is_a_failure_that_says_so(store: SqliteStore) -> None:
    work = claimed(store, Policy(timeout=2.5, retries=1, backoff=0.0))
    job, waits_again = settled(store, work, verdict="timeout", exit_status="was killed by SIGKILL")
    assert (job.status, waits_again) == (WAITING, True)
    job, _ = settled(store, claimed(store), verdict="timeout")
    assert (job.status, job.error) == (ERROR, "TimeoutError: the attempt took longer than timeout=2.5 s and was ended")


@pytest.mark.parametrize(
    "policy",
    [
        Policy(timeout=1.0, retries=5, give_up_on=("builtins.TimeoutError",)),
        Policy(timeout=1.0, retries=5, retry_on=("builtins.ValueError",)),
    ],
)
def test_g25_a_timeout_is_a_timeout_error_for_the_options(store: SqliteStore, policy: Policy) -> None:
    job, _ = settled(store, claimed(store, policy), verdict="timeout")
    assert (job.status, job.attempts) == (ERROR, 1)


def test_g32_a_cancelled_attempt_ends_the_job(store: SqliteStore) -> None:
    job, waits_again = settled(store, claimed(store, Policy(retries=5)), verdict="cancelled")
    assert (job.status, waits_again) == (CANCELLED, False)
    assert store.next_expiry() == NOW + 100 * SECOND


def test_g24_a_lost_attempt_runs_again_at_once_but_not_for_ever(store: SqliteStore) -> None:
    work = claimed(store, Policy(retries=0))
    for _ in range(MAX_LOST_ATTEMPTS - 1):
        job, waits_again = settled(store, work, verdict="lost", exit_status="was killed by SIGKILL")
        assert (job.status, job.run_at, waits_again) == (WAITING, NOW, True)
        work = claimed(store)
    job, waits_again = settled(store, work, verdict="lost", exit_status="was killed by SIGKILL")
    assert (job.status, job.attempts, waits_again) == (ERROR, MAX_LOST_ATTEMPTS, False)
    assert job.error == "the worker was killed by SIGKILL during the attempt; 3 workers have died under this job"


def test_g24_a_death_with_several_jobs_is_counted_for_none_and_each_leaves_fewer_company(store: SqliteStore) -> None:
    work = claimed(store, Policy())
    companies = []
    for running in (100, 100, 50, 25, 12, 6, 3):
        job, waits_again = settled(store, work, verdict="lost", exit_status="was killed by SIGSEGV", running=running)
        assert (job.status, waits_again) == (WAITING, True)
        assert job.error == (
            f"the worker was killed by SIGSEGV during the attempt; {running} jobs ran in it, so it isn't counted"
        )
        (work,) = store.claim(1, 1, "me", NOW, company=max(0, company_of(store, work)))
        assert work.lost == 0
        companies.append(work.company)
    assert companies == [-1, 50, 25, 12, 6, 3, 1]
    for _ in range(MAX_LOST_ATTEMPTS - 1):
        settled(store, work, verdict="lost", exit_status="died", running=1)
        (work,) = store.claim(1, 1, "me", NOW, company=1)
    job, _ = settled(store, work, verdict="lost", exit_status="died", running=1)
    assert (job.status, job.attempts) == (ERROR, 10)
    assert job.error == "the worker died during the attempt; 3 workers have died under this job"


def company_of(store: SqliteStore, work: Work) -> int:
    ((company,),) = store.database.read("select company from jobs where id = ?", (work.claim.job,))
    return int(company)


def test_g24_the_cap_of_a_job_that_is_never_alone_by_chance() -> None:
    """However many jobs run in a worker: who ends it each time is alone in the end, and so are those beside it."""
    for slots in (2, 3, 7, 101, 1000):
        company, deaths = 0, 0
        while (running := slots if company <= 0 else min(company, slots)) > 1:
            company, deaths = next_company(company, running), deaths + 1
        assert deaths <= 2 + slots.bit_length()


def test_g25_lost_attempts_are_not_taken_from_the_retries(store: SqliteStore) -> None:
    work = claimed(store, Policy(retries=1, backoff=0.0))
    settled(store, work, verdict="lost", exit_status="died")
    settled(store, claimed(store), outcome=Outcome(error="E"))
    job, _ = settled(store, claimed(store), outcome=Outcome(error="E"))
    assert (job.status, job.attempts) == (ERROR, 3)


@pytest.mark.parametrize("running", [1, 4])
@pytest.mark.parametrize("verdict", ["lost", "innocent", "shutdown"])
def test_a_job_that_may_run_at_most_once_is_an_error_whatever_ended_its_worker(
    store: SqliteStore, verdict: str, running: int
) -> None:
    ending: dict[str, Any] = {"verdict": verdict, "exit_status": "died", "running": running}
    job, waits_again = settled(store, claimed(store, Policy(at_most_once=True)), **ending)
    assert (job.status, job.attempts, waits_again) == (ERROR, 1, False)
    assert "at most once" in job.error


@pytest.mark.parametrize("verdict", ["innocent", "shutdown"])
def test_g27_an_attempt_that_was_ended_for_no_fault_of_its_own_is_not_counted(store: SqliteStore, verdict: str) -> None:
    job, waits_again = settled(store, claimed(store, Policy()), verdict=verdict)
    assert (job.status, job.error, waits_again) == (WAITING, "", True)
    work = claimed(store)
    assert (work.failures, work.lost) == (0, 0)


@pytest.mark.parametrize("verdict", ["timeout", "cancelled", "innocent", "shutdown"])
def test_a_result_that_came_before_the_attempt_was_ended_counts(store: SqliteStore, verdict: str) -> None:
    job, waits_again = settled(store, claimed(store, Policy(timeout=1.0)), outcome=Outcome(result="5"), verdict=verdict)
    assert (job.status, job.result, waits_again) == (DONE, "5", False)


def test_g26_g32_how_a_coroutine_ends_that_was_told_to_is_no_news(store: SqliteStore) -> None:
    outcome = Outcome(error="CancelledError", traceback="Traceback")
    job, _ = settled(store, claimed(store, Policy(timeout=1.0)), outcome=outcome, verdict="timeout")
    assert (job.status, job.error[:12], job.traceback) == (ERROR, "TimeoutError", "")
    assert settled(store, claimed(store, Policy()), outcome=outcome, verdict="cancelled")[0].status is CANCELLED


def test_an_error_of_a_jobs_own_counts_although_its_worker_was_then_ended(store: SqliteStore) -> None:
    job, _ = settled(store, claimed(store, Policy()), outcome=Outcome(error="ValueError: no"), verdict="innocent")
    assert (job.status, job.error) == (ERROR, "ValueError: no")


@pytest.mark.parametrize("at_most_once", [False, True])
def test_what_had_not_begun_waits_as_before(store: SqliteStore, at_most_once: bool) -> None:
    job, waits_again = settled(store, claimed(store, Policy(at_most_once=at_most_once)), verdict="not begun")
    assert (job.status, job.attempts, job.started_at, job.error, waits_again) == (WAITING, 0, None, "", True)


@pytest.mark.parametrize(
    "ending",
    [
        {"outcome": Outcome(result="5")},
        {"outcome": Outcome(error="E")},
        {"outcome": Outcome(error="E", unknown=True)},
        {"verdict": "timeout"},
        {"verdict": "cancelled"},
        {"verdict": "lost"},
        {"verdict": "shutdown"},
    ],
    ids=str,
)
def test_g23_the_ending_of_an_older_attempt_changes_nothing(store: SqliteStore, ending: dict[str, Any]) -> None:
    old = claimed(store, Policy(timeout=1.0, retries=1))
    store.release(old.claim, NOW)
    newer = claimed(store)
    job, waits_again = settled(store, old, **ending)
    assert (job.status, job.attempts, job.error, waits_again) == (RUNNING, 2, "", False)
    assert settled(store, newer, outcome=Outcome(result="5"))[0].status is DONE


@pytest.mark.parametrize(
    "status, words",
    [
        (0, "ended with exit status 0"),
        (3 << 8, "ended with exit status 3"),
        (9, "was killed by SIGKILL"),
        (11, "was killed by SIGSEGV"),
    ],
)
def test_g24_a_wait_status_in_words(status: int, words: str) -> None:
    assert describe_exit(status) == words


@pytest.fixture
def narrow(store: SqliteStore) -> SqliteStore:
    """Its SQLite keeps less in a row than others do."""
    store.revision()
    store.database._open().setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 10_000)
    return store


@pytest.mark.parametrize(
    "outcome",
    [Outcome(result="5" * 20_000), Outcome(error="E", traceback="T" * 20_000), Outcome(error="E" * 20_000, may_retry=True)],
    ids=["result", "traceback", "error"],
)
def test_what_is_too_large_for_the_database_is_an_error_of_that_job_alone(
    narrow: SqliteStore, outcome: Outcome, caplog: pytest.LogCaptureFixture
) -> None:
    works = [claimed(narrow, Policy()) for _ in range(3)]
    good = Outcome(result="5")
    with narrow.transaction():
        endings = [Ending(work, 7, outcome=each) for work, each in zip(works, (good, outcome, good), strict=True)]
        settle_all(narrow, endings, SETTINGS, NOW)
    first, failed, last = (narrow.job(work.uuid) for work in works)
    assert first is not None
    assert failed is not None
    assert last is not None
    assert (first.status, failed.status, failed.attempts, last.status) == (DONE, ERROR, 1, DONE)
    assert failed.error.startswith("EncodingError: what was to be stored takes more room than SQLite has in a row of ")
    assert failed.error.endswith("hand over what finds it there: a path, a key")
    assert "counted" not in caplog.text


def test_g25_a_result_that_is_too_large_is_a_failure_for_the_options(narrow: SqliteStore) -> None:
    job, waits_again = settled(narrow, claimed(narrow, Policy(retries=1)), outcome=Outcome(result="5" * 20_000))
    assert (job.status, waits_again) == (WAITING, True)


def test_g20_a_job_that_is_too_large_for_the_database_is_refused_and_nothing_of_it_is_stored(narrow: SqliteStore) -> None:
    with pytest.raises(EncodingError, match="takes more room than SQLite has in a row"):
        narrow.add([NewJob("app.work", "[]", 1), NewJob("app.work", "x" * 20_000, 1)], NOW)
    with pytest.raises(EncodingError, match="takes more room than SQLite has in a row"):
        narrow.add_each(NewJob("app.work", "[]", 1), ["[]", "x" * 20_000], NOW)
    assert narrow.jobs() == []


# -- many at once ------------------------------------------------------------------------------------------


def test_g23_outcomes_that_come_together_are_each_settled_and_a_stale_one_counts_for_nothing(
    store: SqliteStore, caplog: pytest.LogCaptureFixture
) -> None:
    works = [claimed(store, Policy(retries=1, backoff=3.0)) for _ in range(4)]
    store.cancelled(works[1].claim, 7, NOW, NOW)
    outcomes = [Outcome(result="1"), Outcome(result="2"), Outcome(error="E"), Outcome(result="4")]
    endings = [Ending(work, 7, outcome=outcome) for work, outcome in zip(works, outcomes, strict=True)]
    assert settle_all(store, endings, SETTINGS, NOW)
    jobs = [store.job(work.uuid) for work in works]
    assert [(job.status, job.result) for job in jobs if job is not None] == [
        (DONE, "1"),
        (CANCELLED, None),
        (WAITING, None),
        (DONE, "4"),
    ]
    assert "1 of 3 outcomes aren't counted" in caplog.text
    assert not settle_all(store, [], SETTINGS, NOW)


# -- telling the application -----------------------------------------------------------------------------------


def hooked(store: SqliteStore, *hooks: str) -> Work:
    """A running job of an application that has these hooks."""
    setup = Setup("autocron.hooks:imported", json.dumps({"hooks": hooks}), "app.alerts")
    application = store.register(Launch("python", "/srv", (), setups=(setup,)), {"app.work": "app"}, [], NOW)
    store.add([NewJob("app.work", "[]", application, policy=Policy(timeout=3).to_json())], NOW)
    (work,) = store.claim(application, 1, "me", NOW)
    return work


def told(store: SqliteStore) -> list[Any]:
    return [codec.decode_call(job.arguments)[0] for job in store.jobs() if job.task == TELL_FAILED]


def test_whoever_has_an_error_hook_is_told_of_what_was_ended_from_outside(store: SqliteStore) -> None:
    work = hooked(store, "carry", "on_error")
    job, waits = settled(store, work, verdict="timeout")
    assert (job.status, waits) == (ERROR, True)
    assert told(store) == [(work.uuid, "app.work", 1, None, "timeout", job.error)]
    (telling,) = store.claim(store.applications()[0].id, 1, "me", NOW)
    assert telling.task == TELL_FAILED
    settled(store, telling, verdict="timeout")
    assert len(told(store)) == 1, "of its own end nobody is told"


@pytest.mark.parametrize(
    "hooks, ending", [(("on_missed",), {"verdict": "timeout"}), (("on_error",), {"outcome": Outcome(error="x")})]
)
def test_nobody_is_told_who_has_no_hook_or_knows_already(store: SqliteStore, hooks: Any, ending: Any) -> None:
    _, waits = settled(store, hooked(store, *hooks), **ending)
    assert (told(store), waits) == ([], False)


def test_the_names_by_which_workers_are_told_are_those_of_functions() -> None:
    for name in (TELL_FAILED, TELL_MISSED):
        assert callable(getattr(hooks, name.removeprefix("autocron.hooks.")))
