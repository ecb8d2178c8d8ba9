"""Django's Tasks framework: Django's own, or the package before it."""

try:
    from django.tasks import TaskResultStatus, signals, task
except ImportError:
    from django_tasks import TaskResultStatus, signals, task

__all__ = ["TaskResultStatus", "signals", "task"]
