"""The transitions out of running, by name, for tests that go through all of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from store_kinds import EXPIRY, LATER

from autocron.model import Claim
from autocron.store.protocol import Store

Transition = Callable[[Store, Claim], None]

OUTCOMES: dict[str, Transition] = {
    "finish": lambda store, claim: store.finish(claim, '"stale"', 7, EXPIRY, LATER),
    "fail": lambda store, claim: store.fail(claim, "stale", "stale", 7, EXPIRY, LATER),
    "fail, lost": lambda store, claim: store.fail(claim, "stale", "stale", 7, EXPIRY, LATER, lost=True),
    "retry_later": lambda store, claim: store.retry_later(claim, "stale", "", 7, LATER, LATER),
    "retry_later, lost": lambda store, claim: store.retry_later(claim, "stale", "", 7, LATER, LATER, lost=True),
    "suspect": lambda store, claim: store.suspect(claim, "stale", 7, 1, LATER),
    "release": lambda store, claim: store.release(claim, LATER),
    "give_back": lambda store, claim: store.give_back(claim, LATER),
    "hold": lambda store, claim: store.hold(claim, "stale", LATER),
    "cancelled": lambda store, claim: store.cancelled(claim, 7, EXPIRY, LATER),
}
BACK_TO_WAITING = ["retry_later", "retry_later, lost", "suspect", "release", "give_back", "hold"]

any_outcome = pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=OUTCOMES)
