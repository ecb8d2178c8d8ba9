"""Testing code that calls tasks, without pytest or with it: collect the jobs, run them when the test says so.

    from autocron import testing

    with testing.collected() as jobs:
        sign_up("a@b.c")
        jobs.assert_called(send_mail, "a@b.c", times=1)
        jobs.run_pending()
        jobs.advance(days=7)

With pytest, the fixtures ``autocron`` and ``autocron_workers`` are these.
"""

from __future__ import annotations

from autocron.testing.collecting import Call, Collected, collected
from autocron.testing.workers import RealWorkers, workers

__all__ = ["Call", "Collected", "RealWorkers", "collected", "workers"]
