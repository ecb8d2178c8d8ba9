from __future__ import annotations

from collections.abc import Callable

import bottle_autocron


def test_package_says_what_it_is() -> None:
    assert bottle_autocron.__doc__


def test_an_import_brings_the_framework_and_the_core_and_nothing_else(imported_by: Callable[[str], set[str]]) -> None:
    assert imported_by("bottle_autocron") <= {"bottle_autocron", *imported_by("autocron, bottle")}
