"""Context variables that travel with a job: read where a task is called, set again around its attempts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

from autocron import codec, tracing
from autocron.errors import AutocronError, ConfigurationError
from autocron.logs import logger_named

logger: Final = logger_named("autocron.worker")

_variables: dict[str, ContextVar[Any]] = {}
_UNSET: Any = object()


def add_variables(*variables: ContextVar[Any]) -> None:
    """Have these travel. Raises ConfigurationError for what is no context variable, or for two of one name."""
    names = [variable.name for variable in variables if isinstance(variable, ContextVar)]
    for variable in variables:
        if not isinstance(variable, ContextVar):
            raise ConfigurationError(f"carry() takes context variables (contextvars.ContextVar), not {variable!r}")
        if names.count(variable.name) > 1:
            raise ConfigurationError(f"two context variables are called {variable.name!r}; jobs know them by name")
        _variables[variable.name] = variable  # in place of one that a module had before it was loaded again


def captured(serializer: str, task: str) -> str:
    """What shall travel with a job that is made here, as JSON; "" for nothing. Raises EncodingError naming the variable."""
    if not _variables and not tracing.is_active():  # every call asks
        return ""
    carried: dict[str, Any] = {}
    if _variables:
        values = {
            name: codec.encode_value(value, serializer=serializer, what=f"the context variable {name!r}, for a job of {task},")
            for name, variable in _variables.items()
            if (value := variable.get(_UNSET)) is not _UNSET
        }
        if values:
            carried["values"] = values
    if trace := tracing.injected():
        carried["trace"] = trace
    text = json.dumps(carried) if carried else ""
    codec.refuse_too_large(text, f"the context variables, for a job of {task}", "carry")
    return text


def restore(context: str) -> Mapping[str, str]:
    """Set what travelled with a job in this context. Returns its trace's headers."""
    if not context:
        return {}
    carried = json.loads(context)
    for name, text in carried.get("values", {}).items():
        variable = _variables.get(name)
        if variable is None:  # the running code doesn't have it any more
            continue
        try:
            variable.set(codec.decode_value(text))
        except AutocronError as error:
            logger.warning("the context variable %r didn't arrive with the job: %s", name, error)
    trace: Mapping[str, str] = carried.get("trace", {})
    return trace
