"""Loggers for what every process imports: ``logging`` is dear, and most processes never have anything to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import logging


def logger_named(name: str) -> logging.Logger:
    """``logging.getLogger(name)``, which is asked for when it is first used."""
    return cast("logging.Logger", _Named(name))


class _Named:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        import logging

        return getattr(logging.getLogger(self._name), attribute)
