"""The SQLite store's transition into running: which waiting jobs are claimed, and in which order."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autocron.policy import Policy
from autocron.store import rows
from autocron.store.endings import KEPT, Endings

if TYPE_CHECKING:
    from autocron.model import Work

_FEW = 3  # see docs/decisions/0022-after-a-rest.md

_CLAIMABLE = """
select id from jobs
where state = 'waiting' and readiness = 1 and application = :application and concurrent = :concurrent
  and queue not in (select queue from paused_queues) and {which}
order by priority desc, id limit :limit
"""
_CLAIM = """
update jobs set state = 'running', attempt = attempt + 1, owner = :owner, started_at = :now, cancel_requested = 0,
                progress = null
where {whose} and state = 'waiting' and readiness = 1
returning id, nonce, attempt, task, arguments, policy, failures, lost, schedule, priority, context, company
"""
_CLAIM_THIS = _CLAIM.format(whose="id = :id")


def _claim_statements(which: str) -> tuple[str, str]:
    claimable = _CLAIMABLE.format(which=which)
    return claimable, _CLAIM.format(whose=f"id in ({claimable})")


_ORDINARY = _claim_statements("company <= 0")
_SUSPECTS = _claim_statements("company > 0 and finished_at is null and company >= :company")


class Claims(Endings):
    """A part of the SQLite store."""

    def claim(
        self, application: int, limit: int, owner: str, now: int, *, concurrent: bool = False, company: int = 0
    ) -> list[Work]:
        """waiting, ready → running."""
        parameters = {"owner": owner, "now": now, "application": application, "concurrent": concurrent, "company": company}
        works: list[Work] = []
        with self.database.transaction():
            while True:
                wanted = limit - len(works)
                claimed = self._claim_rows(_SUSPECTS if company else _ORDINARY, {**parameters, "limit": wanted})
                works += self._works(claimed, owner, now, concurrent)
                if len(works) == limit or len(claimed) < wanted:
                    return works

    def _claim_rows(self, statements: tuple[str, str], parameters: Mapping[str, Any]) -> list[sqlite3.Row]:
        """The claimed rows in order. A few are found first and taken one by one: `id in` is dear where everything is."""
        claimable, claim_all = statements
        found = self.database.read(claimable, {**parameters, "limit": min(_FEW + 1, parameters["limit"])})
        if len(found) <= _FEW:
            each = ({**parameters, "id": row["id"]} for row in found)
            return [row for key in each for row in self.database.write_returning(_CLAIM_THIS, key)]
        claimed = self.database.write_returning(claim_all, parameters)
        claimed.sort(key=_by_priority_then_arrival)
        return claimed

    def _works(self, claimed: Sequence[sqlite3.Row], owner: str, now: int, concurrent: bool) -> list[Work]:
        """What was claimed but for rows that are damaged: such a job is an error, so that no other waits for it."""
        from autocron.model import Claim, Work

        works: list[Work] = []
        for job, nonce, attempt, task, arguments, text, failures, lost, schedule, _, context, company in claimed:
            claim = Claim(job, nonce, attempt, owner)
            try:
                policy = Policy.from_json(text)
            except ValueError as error:
                self.fail(claim, f"the job's row is damaged: {error}", "", 0, now + KEPT, now)
                continue
            uuid = rows.uuid_of(job, nonce)
            works.append(Work(claim, uuid, task, arguments, policy, failures, lost, schedule, concurrent, context, company))
        return works


def _by_priority_then_arrival(row: sqlite3.Row) -> tuple[int, int]:
    return -row[9], row[0]
