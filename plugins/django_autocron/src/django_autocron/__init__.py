"""autocron for Django: ``INSTALLED_APPS += ["django_autocron"]``, and calls of tasks run in worker processes beside it."""
