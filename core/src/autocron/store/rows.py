"""Between rows and the model; between a job's uuid and its key.

A uuid is the row's id (60 bits) and a random nonce (62 bits) in the layout of RFC 9562's version 8. So a job is
found by its primary key, no index on uuids has to be kept, and a reused id never answers for another job.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING

from autocron.errors import StoreError
from autocron.states import Status

if TYPE_CHECKING:
    from autocron.model import Job

NONCE_BITS = 62
_NONCE_MASK = (1 << NONCE_BITS) - 1
_LAYOUT = "%08x-%04x-8%03x-%04x-%012x"
_NOWHERE: Mapping[str, int] = {"id": -1, "nonce": -1}


def uuid_of(job: int, nonce: int) -> str:
    """The public name of a job."""
    return _LAYOUT % (job >> 28, job >> 12 & 0xFFFF, job & 0xFFF, nonce >> 48 | 0x8000, nonce & 0xFFFF_FFFF_FFFF)


def key_of(uuid: str) -> Mapping[str, int]:
    """The key of the row; one that matches nothing for what can't be a uuid of ours."""
    digits = uuid.replace("-", "")
    try:
        value = int(digits, 16)
    except ValueError:
        return _NOWHERE
    if len(digits) != 32 or digits[12] != "8":
        return _NOWHERE
    return {"id": (value >> 80) << 12 | (value >> 64) & 0xFFF, "nonce": value & _NONCE_MASK}


def status(state: str) -> Status:
    """Raises StoreError for what the table's checks would never have let in."""
    try:
        return Status(state)
    except ValueError:
        raise impossible(state) from None


def impossible(state: str) -> StoreError:
    return StoreError(f"a job has the state {state!r}: the database is damaged; restore it from a backup")


def job(row: sqlite3.Row) -> Job:
    from autocron.model import Job

    return Job(
        uuid=uuid_of(row["id"], row["nonce"]),
        task=row["task"],
        status=status(row["state"]),
        arguments=row["arguments"],
        queue=row["queue"],
        priority=row["priority"],
        run_at=row["run_at"],
        attempts=row["attempt"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        result=row["result"],
        error=row["error"],
        traceback=row["traceback"],
        schedule=row["schedule"],
        held=row["state"] == "waiting" and row["readiness"] == 2,
        progress=row["progress"],
        worker=row["worker"] or None if row["finished_at"] is not None else None,
    )
