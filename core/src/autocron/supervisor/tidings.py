"""Telling the application what only the supervisor knows: as a job of its own, so that nothing is lost, whoever dies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autocron import clock
from autocron.model import Launch, NewJob, Policy, Work
from autocron.supervisor.clockwork import Missed

if TYPE_CHECKING:
    from autocron.store.protocol import Store

TELL_FAILED, TELL_MISSED = "autocron.hooks.tell_failed", "autocron.hooks.tell_missed"
"""The functions that workers call, by name: the supervisor never imports what an application does."""

_QUEUE = "autocron.hooks"
_PRIORITY = 1000
_POLICY = Policy(ttl=0.0, timeout=60.0).to_json()


def tell_failed(store: Store, work: Work, verdict: str, error: str, now: int) -> bool:
    """A job has failed for good while its worker could say nothing. Whether somebody is told."""
    if work.task in (TELL_FAILED, TELL_MISSED):
        return False
    arguments = (work.uuid, work.task, work.claim.attempt, work.schedule, verdict, error)
    return _tell(store, store.application_of(work.claim), "on_error", TELL_FAILED, arguments, now)


def tell_missed(store: Store, missed: Missed, now: int) -> bool:
    """A slot of a schedule has made no job. Whether somebody is told."""
    arguments = (missed.schedule.name, clock.to_datetime(missed.slot), missed.reason)
    return _tell(store, missed.schedule.application, "on_missed", TELL_MISSED, arguments, now)


def _tell(store: Store, application: int | None, hook: str, task: str, arguments: tuple[object, ...], now: int) -> bool:
    launches = [known.launch for known in store.applications() if known.id == application]
    if application is None or not launches or not _has_hook(launches[0], hook):
        return False
    from autocron import codec  # few applications want to be told

    text = codec.encode_call(arguments, {}, task=task)
    store.add([NewJob(task, text, application, queue=_QUEUE, priority=_PRIORITY, policy=_POLICY)], now)
    return True


def _has_hook(launch: Launch, hook: str) -> bool:
    """What an application hangs around its jobs is announced in its launch, beside the module to import for it."""
    return any(setup.function == "autocron.hooks:imported" and f'"{hook}"' in setup.arguments for setup in launch.setups)
