"""The supervisor: the one process per database and host that claims jobs, feeds workers and keeps them alive.

``loop`` is its main loop. ``attention`` is what it sleeps in, ``presence`` knows who is attached, ``applications`` whose jobs
go to whom, ``clockwork`` turns due schedules into jobs, ``crew`` keeps the workers, ``worker_process`` and ``lane`` know what
each has been given, ``settling`` makes a transition of how an attempt ended, ``tidings`` tells the application what only the
supervisor knows, ``housekeeping`` keeps the files small.
"""

from autocron.supervisor.loop import Supervisor

__all__ = ["Supervisor"]
