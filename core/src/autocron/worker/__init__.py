"""The worker: imports the application, then runs jobs until its pipe closes.

``main`` is its main loop, ``reporting`` is what it says to the supervisor.
"""

from autocron.worker.main import main

__all__ = ["main"]
