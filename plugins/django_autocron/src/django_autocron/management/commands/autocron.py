"""``manage.py autocron …``: the command line of autocron for this project's database."""

from __future__ import annotations

import sys
from argparse import REMAINDER, ArgumentParser
from typing import Any, Literal

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

import autocron
from django_autocron import configuration


class Command(BaseCommand):
    """Hands everything behind ``autocron`` on, options too."""

    help = "Background jobs: status, jobs, schedules, settings …; `manage.py autocron --help` lists them."
    requires_system_checks: list[str] | tuple[str, ...] | Literal["__all__"] = ()

    def run_from_argv(self, argv: list[str]) -> None:
        """Called by ``manage.py``. Exits with autocron's status."""
        # Django has read these two already, wherever they stood.
        own = ArgumentParser(add_help=False, allow_abbrev=False)
        own.add_argument("--settings")
        own.add_argument("--pythonpath")
        _, arguments = own.parse_known_args(argv[2:])
        try:
            status = run(arguments)
        except ImproperlyConfigured as error:
            self.stderr.write(str(error))
            status = 2
        sys.exit(status)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """For ``call_command("autocron", "status")``."""
        parser.add_argument("arguments", nargs=REMAINDER)

    def handle(self, *_: Any, arguments: list[str], **options: Any) -> None:
        """Run it. Raises CommandError, with the exit status, unless that is 0."""
        if status := run(arguments):
            raise CommandError(f"autocron {' '.join(arguments)}: exit status {status}", returncode=status)


def run(arguments: list[str]) -> int:
    """The command line for this project's database; its exit status."""
    if arguments[:1] == ["supervise"] and not any(word.partition("=")[0] == "--app" for word in arguments):
        arguments = [*arguments, "--app", "django:setup()"]  # DJANGO_SETTINGS_MODULE is in the environment
    return autocron.command_line([str(configuration.read().database), *arguments])
