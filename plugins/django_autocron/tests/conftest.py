from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from django.conf import settings
from django_site import Site

# For the tests without workers. Served sites have settings of their own, in processes of their own.
settings.configure(
    SECRET_KEY="for tests",
    USE_TZ=True,
    INSTALLED_APPS=["django_autocron"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    AUTOCRON={"DATABASE": "never_made.db"},
    TASKS={
        "default": {"BACKEND": "django_autocron.backend.AutocronBackend"},
        "elsewhere": {"BACKEND": "django_autocron.backend.AutocronBackend"},
    },
)
django.setup()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for all tests that only ask it something: its tables are made, and it is served."""
    site = Site(tmp_path_factory.mktemp("served"))
    try:
        status, said = site.manage("migrate", "--run-syncdb", "--verbosity", "0")
        assert status == 0, said
        site.serve_it()
        yield site
    finally:
        site.clear()
    assert not site.processes()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site that isn't served yet."""
    site = Site(tmp_path)
    try:
        yield site
    finally:
        site.clear()
    assert not site.processes()
