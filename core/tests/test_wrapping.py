"""A task is still the function it was made of, to whoever looks at it."""

from __future__ import annotations

import autocron


def plain(a: int) -> int:
    """What it does."""
    return a


plain.name = "not the task's"  # type: ignore[attr-defined]
task = autocron.Autocron().delay(plain)


def test_a_task_has_the_functions_name_and_documentation() -> None:
    assert task.__name__ == "plain"  # type: ignore[attr-defined]
    assert task.__doc__ == "What it does."
    assert task.__wrapped__ is plain  # type: ignore[attr-defined]
    assert task.call(5) == 5


def test_attributes_of_the_function_do_not_cover_the_tasks() -> None:
    assert task.name == f"{__name__}.plain"
