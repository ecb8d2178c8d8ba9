from __future__ import annotations

from collections.abc import Callable

import starlette_autocron


def test_package_says_what_it_is() -> None:
    assert starlette_autocron.__doc__


def test_an_import_brings_the_framework_and_the_core_and_nothing_else(imported_by: Callable[[str], set[str]]) -> None:
    assert imported_by("starlette_autocron") <= {"starlette_autocron", *imported_by("autocron, starlette.applications")}
