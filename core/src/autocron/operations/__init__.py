"""What an operator asks of a database and does to it: the command line prints it, ``Autocron``'s methods offer it.

Changes act at once on a running system: each one wakes the supervisor.
"""

from autocron.operations.inquiries import Overview, Processes, RunningJob, ScheduleReport
from autocron.operations.metrics import Metric, prometheus_text
from autocron.operations.operations import Operations, UnknownScheduleError, make_database
from autocron.operations.system import Finding, ProcessReport
from autocron.store.reports import Attempt, Filter, HeldTask, JobDetails, Tally

__all__ = [
    "Attempt",
    "Filter",
    "Finding",
    "HeldTask",
    "JobDetails",
    "Metric",
    "Operations",
    "Overview",
    "ProcessReport",
    "Processes",
    "RunningJob",
    "ScheduleReport",
    "Tally",
    "UnknownScheduleError",
    "make_database",
    "prometheus_text",
]
