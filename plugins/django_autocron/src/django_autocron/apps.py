"""The Django application: it finds the tasks and starts autocron when Django is ready."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import autodiscover_modules

import autocron
from django_autocron import configuration
from django_autocron.checks import check_start, problems, running_a_command
from django_autocron.connections import thread_of_its_own


class AutocronConfig(AppConfig):
    """``INSTALLED_APPS += ["django_autocron"]``."""

    name = "django_autocron"
    verbose_name: str = "autocron"

    def ready(self) -> None:
        """Import the module ``tasks`` of every application, and start autocron.

        It runs for every command of ``manage.py``; only in a process that serves it starts the supervisor. What keeps
        it from starting is raised there; in a command it is left to the system checks, so that ``check`` and
        ``collectstatic`` work where the database can't.
        """
        module = settings.SETTINGS_MODULE
        # Settings without a module have been given to settings.configure(), in the program itself.
        autocron.setup_worker("django_autocron.worker:setup", {"settings": module}, module=None if module else "__main__")
        autocron.around_job(thread_of_its_own)
        checks.register(check_start)
        autodiscover_modules("tasks")
        try:
            configuration.read().start()
        except (ImproperlyConfigured, autocron.AutocronError) as error:
            if not running_a_command():
                raise
            problems.append(str(error))
