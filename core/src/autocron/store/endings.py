"""The SQLite store's transitions out of running: how an attempt ends. One guard for all of them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from autocron.clock import MICROSECONDS
from autocron.errors import ClaimLostError
from autocron.policy import Policy
from autocron.store.database import Database

if TYPE_CHECKING:
    from autocron.model import Claim, Finished

KEPT = 1800 * MICROSECONDS
"""How long the results of jobs are kept that end where no setting is known."""

# As _leave_running has it, but whole: most jobs end so, and a text that is put together and looked up costs as much again.
_FINISH = """
update jobs set owner = null, lease = null, state = 'done', result = ?, error = '', traceback = '', worker = ?,
                finished_at = ?, expires_at = ?
where id = ? and nonce = ? and state = 'running' and attempt = ? and owner = ?
"""


class Endings:
    """A part of the SQLite store."""

    database: Database

    def finish_each(self, finished: Sequence[Finished], now: int) -> int:
        """running → done. One statement, run for many rows: half the price of as many calls."""
        rows = [(result, worker, now, expires_at, *claim) for claim, result, worker, expires_at in finished]
        return self.database.write_each(_FINISH, rows)

    def finish(self, claim: Claim, result: str, worker: int, expires_at: int, now: int) -> None:
        """running → done."""
        job, nonce, attempt, owner = claim
        if not self.database.write(_FINISH, (result, worker, now, expires_at, job, nonce, attempt, owner)).rowcount:
            raise _lost(claim)

    def fail(
        self, claim: Claim, error: str, traceback: str, worker: int, expires_at: int, now: int, *, lost: bool = False
    ) -> None:
        """running → error."""
        with self.database.transaction():
            self._note_attempt(claim, "lost" if lost else "error", error, traceback, worker, now)
            self._leave_running(
                claim,
                "state = 'error', error = :error, traceback = :traceback, worker = :worker, finished_at = :now, "
                "expires_at = :expires_at, failures = failures + :failed, lost = lost + :lost",
                {
                    "error": error,
                    "traceback": traceback,
                    "worker": worker,
                    "expires_at": expires_at,
                    "failed": int(not lost),
                    "lost": int(lost),
                    "now": now,
                },
            )

    def retry_later(
        self, claim: Claim, error: str, traceback: str, worker: int, run_at: int, now: int, *, lost: bool = False
    ) -> None:
        """running → waiting, the attempt counted."""
        with self.database.transaction():
            self._note_attempt(claim, "lost" if lost else "error", error, traceback, worker, now)
            self._back_to_waiting(
                claim,
                now,
                "readiness = :readiness, run_at = :run_at, error = :error, "
                "traceback = :traceback, worker = :worker, failures = failures + :failed, lost = lost + :lost",
                {
                    "readiness": 0 if run_at > now else 1,
                    "run_at": run_at,
                    "error": error,
                    "traceback": traceback,
                    "worker": worker,
                    "failed": int(not lost),
                    "lost": int(lost),
                },
            )

    def suspect(self, claim: Claim, error: str, worker: int, company: int, now: int) -> None:
        """running → waiting, not counted; next time beside fewer others."""
        with self.database.transaction():
            self._note_attempt(claim, "lost", error, "", worker, now)
            self._back_to_waiting(
                claim,
                now,
                "readiness = 1, error = :error, traceback = '', worker = :worker, company = :company",
                {"error": error, "worker": worker, "company": company},
            )

    def release(self, claim: Claim, now: int) -> None:
        """running → waiting, not counted."""
        with self.database.transaction():
            self._note_attempt(claim, "released", "", "", None, now)
            self._back_to_waiting(claim, now, "readiness = 1, started_at = null", {})

    def give_back(self, claim: Claim, now: int) -> None:
        """running → waiting, as if it hadn't been claimed."""
        self._back_to_waiting(claim, now, "readiness = 1, started_at = null, attempt = attempt - 1", {})

    def hold(self, claim: Claim, reason: str, now: int) -> None:
        """running → waiting, held for newer code."""
        with self.database.transaction():
            self._note_attempt(claim, "held", reason, "", None, now)
            self._back_to_waiting(claim, now, "readiness = 2, started_at = null, error = :reason", {"reason": reason})

    def cancelled(self, claim: Claim, worker: int, expires_at: int, now: int) -> None:
        """running → cancelled."""
        with self.database.transaction():
            self._note_attempt(claim, "cancelled", "", "", worker, now)
            self._leave_running(
                claim,
                "state = 'cancelled', worker = :worker, finished_at = :now, expires_at = :expires_at",
                {"worker": worker, "expires_at": expires_at, "now": now},
            )

    def recover(self, owner: str, expires_at: int, now: int) -> int:
        """running → waiting, or → error for what may run at most once."""
        from autocron.model import Claim

        with self.database.transaction():
            orphans = self.database.read(
                "select id, nonce, attempt, owner, policy from jobs where state = 'running' and owner <> ?", (owner,)
            )
            for row in orphans:
                claim = Claim(row["id"], row["nonce"], row["attempt"], row["owner"])
                try:
                    at_most_once = Policy.from_json(row["policy"]).at_most_once
                except ValueError:
                    at_most_once = False  # the next claim finds the damage
                with contextlib.suppress(ClaimLostError):  # only where an index is damaged
                    if at_most_once:
                        error = "the supervisor died during the attempt, and this job may run at most once"
                        self.fail(claim, error, "", 0, expires_at, now, lost=True)
                    else:
                        self.release(claim, now)
            return len(orphans)

    def _back_to_waiting(self, claim: Claim, now: int, assignments: str, parameters: dict[str, Any]) -> None:
        """running → waiting; → cancelled when that was asked for while the attempt ran."""
        self._leave_running(
            claim,
            "state = iif(cancel_requested, 'cancelled', 'waiting'), finished_at = iif(cancel_requested, :now, null), "
            f"expires_at = iif(cancel_requested, :expiry_if_cancelled, null), {assignments}",
            {**parameters, "now": now, "expiry_if_cancelled": now + KEPT},
        )

    def _leave_running(self, claim: Claim, assignments: str, parameters: dict[str, Any]) -> None:
        """The one guard of all transitions out of running: this attempt of this owner is the running one."""
        changed = self.database.write(
            f"update jobs set owner = null, lease = null, {assignments} "  # noqa: S608  (constants of this module)
            "where id = :id and nonce = :nonce and state = 'running' and attempt = :attempt and owner = :owner",
            {**parameters, "id": claim.job, "nonce": claim.nonce, "attempt": claim.attempt, "owner": claim.owner},
        ).rowcount
        if not changed:
            raise _lost(claim)

    def _note_attempt(self, claim: Claim, outcome: str, error: str, traceback: str, worker: int | None, now: int) -> None:
        self.database.write(
            """
            insert or replace into attempts (job, attempt, started_at, finished_at, worker, outcome, error, traceback)
            select id, attempt, started_at, :now, :worker, :outcome, :error, :traceback from jobs
            where id = :id and state = 'running' and attempt = :attempt and owner = :owner
            """,
            {
                "id": claim.job,
                "attempt": claim.attempt,
                "owner": claim.owner,
                "now": now,
                "worker": worker,
                "outcome": outcome,
                "error": error,
                "traceback": traceback,
            },
        )


def _lost(claim: Claim) -> ClaimLostError:
    return ClaimLostError(f"attempt {claim.attempt} of job {claim.job} is no longer the running one; its outcome isn't counted")
