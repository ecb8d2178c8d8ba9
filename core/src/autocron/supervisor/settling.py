"""From how an attempt ended to the job's next state."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from autocron.clock import MICROSECONDS
from autocron.errors import ClaimLostError, EncodingError, TooLargeError
from autocron.model import MAX_LOST_ATTEMPTS, Finished, Outcome, Settings
from autocron.supervisor.tidings import tell_failed
from autocron.supervisor.worker_process import Ending

if TYPE_CHECKING:
    from autocron.store.protocol import Store

logger: Final = logging.getLogger("autocron.supervisor")


def settle_all(store: Store, endings: Sequence[Ending], settings: Settings, now: int) -> bool:
    """``settle`` each of these. Whether a job waits after one of them.

    Nearly all are good, and when there is much to do there are many: their jobs are finished by one statement.
    """
    if len(endings) == 1:
        return settle(store, endings[0], settings, now)
    finished: list[Finished] = []
    others: list[Ending] = []
    for ending in endings:
        outcome = ending.outcome
        if outcome is None or outcome.result is None:
            others.append(ending)
        else:
            finished.append(Finished(ending.work.claim, outcome.result, ending.worker, _expiry(ending, settings, now)))
    try:
        stale = len(finished) - store.finish_each(finished, now) if finished else 0
    except TooLargeError:
        others, stale = list(endings), 0  # to see which of them it is
    if stale:
        logger.warning("%d of %d outcomes aren't counted: their attempts are no longer the running ones", stale, len(finished))
    waiting = [settle(store, ending, settings, now) for ending in others]
    return any(waiting)


def settle(store: Store, ending: Ending, settings: Settings, now: int) -> bool:
    """Make the one transition that this ending asks for. Whether a job waits after it: this one, or one that tells of it.

    An ending of an attempt that is no longer the running one counts for nothing.
    """
    try:
        return _settle(store, ending, settings, now)
    except ClaimLostError as error:
        logger.warning("%s", error)
        return False
    except TooLargeError as error:  # this SQLite keeps less in a row than others do, which is what the codec goes by
        outcome = Outcome(error=f"EncodingError: {error}", may_retry=ending.work.policy.retries_after(EncodingError))
        return _settle_outcome(store, ending, outcome, settings, now)


def _settle(store: Store, ending: Ending, settings: Settings, now: int) -> bool:
    work = ending.work
    told_to_end = ending.verdict in ("timeout", "cancelled")  # so an error says nothing; a result came before that
    if ending.outcome is not None and (ending.outcome.result is not None or not told_to_end):
        return _settle_outcome(store, ending, ending.outcome, settings, now)
    match ending.verdict:
        case "not begun":
            store.give_back(work.claim, now)
            return True
        case "timeout":
            error = f"TimeoutError: the attempt took longer than timeout={work.policy.timeout:g} s and was ended"
            may_retry = work.policy.retries_after(TimeoutError)
            return _settle_outcome(store, ending, Outcome(error=error, may_retry=may_retry), settings, now)
        case "cancelled":
            store.cancelled(work.claim, ending.worker, _expiry(ending, settings, now), now)
            return False
        case "lost":
            return _settle_loss(store, ending, settings, now)
        case "innocent":
            return _release(store, ending, "the worker was ended because of another job", settings, now)
        case _:
            return _release(store, ending, "the attempt was ended because everything was shut down", settings, now)


def _settle_outcome(store: Store, ending: Ending, outcome: Outcome, settings: Settings, now: int) -> bool:
    work = ending.work
    if outcome.unknown:
        logger.error("job %s waits for newer code: %s", work.uuid, outcome.error)
        store.hold(work.claim, outcome.error, now)
        return False
    if outcome.result is not None:
        store.finish(work.claim, outcome.result, ending.worker, _expiry(ending, settings, now), now)
        return False
    pause = work.policy.retry_delay(work.failures + 1, random.random()) if outcome.may_retry else None
    details = (work.claim, outcome.error, outcome.traceback, ending.worker)
    if pause is None:
        logger.warning("%s failed (job %s): %s\n%s", work.task, work.uuid, outcome.error, outcome.traceback)
        store.fail(*details, _expiry(ending, settings, now), now)
        return bool(ending.verdict) and tell_failed(store, work, ending.verdict, outcome.error, now)
    logger.info("%s failed (job %s), next attempt in %g s: %s", work.task, work.uuid, pause, outcome.error)
    store.retry_later(*details, now + round(pause * MICROSECONDS), now)
    return True


def _release(store: Store, ending: Ending, why: str, settings: Settings, now: int) -> bool:
    """No fault of the job: the attempt isn't counted, and the job waits again, unless it may not."""
    work = ending.work
    if work.policy.at_most_once:
        error = f"{why}; the job may run at most once"
        logger.warning("%s failed (job %s): %s", work.task, work.uuid, error)
        store.fail(work.claim, error, "", ending.worker, _expiry(ending, settings, now), now, lost=True)
        return tell_failed(store, work, "lost", error, now)
    store.release(work.claim, now)
    return True


def _settle_loss(store: Store, ending: Ending, settings: Settings, now: int) -> bool:
    work = ending.work
    lost = work.lost + 1
    error = f"the worker {ending.exit_status} during the attempt"
    if work.policy.at_most_once:
        error += "; the job may run at most once"
    elif ending.running > 1:
        error += f"; {ending.running} jobs ran in it, so it isn't counted"
        logger.warning("%s: %s; job %s runs again", work.task, error, work.uuid)
        store.suspect(work.claim, error, ending.worker, next_company(work.company, ending.running), now)
        return True
    elif lost >= MAX_LOST_ATTEMPTS:
        error += f"; {lost} workers have died under this job"
    else:
        logger.warning("%s: %s; job %s runs again", work.task, error, work.uuid)
        store.retry_later(work.claim, error, "", ending.worker, now, now, lost=True)
        return True
    logger.warning("%s failed (job %s): %s", work.task, work.uuid, error)
    store.fail(work.claim, error, "", ending.worker, _expiry(ending, settings, now), now, lost=True)
    return tell_failed(store, work, "lost", error, now)


def next_company(company: int, running: int) -> int:
    """Of a job that was beside others when their worker died. One death may be anybody's doing, and changes nothing; from
    the second on each leaves it half of its company. So in the end it is alone."""
    return running // 2 if company else -1


def _expiry(ending: Ending, settings: Settings, now: int) -> int:
    ttl = ending.work.policy.ttl
    return now + round((settings.result_ttl if ttl is None else ttl) * MICROSECONDS)
