"""The worker: imports the application, then runs the jobs whose tickets it draws until none follows.

``main`` is its main loop, ``code`` the application's code, ``inbox`` the jobs it was sent, ``coroutines`` its event loop,
``reporting`` what it says to the supervisor, ``capture`` what attempts log and print.
"""

from autocron.worker.main import main

__all__ = ["main"]
