"""What to tell a user whose value can't be stored: what it is, and what to write instead."""

from __future__ import annotations

import io
from collections.abc import Callable, Coroutine, Iterator
from datetime import tzinfo
from enum import Enum
from types import BuiltinFunctionType, FunctionType, MethodType

_OR_PICKLE = ', or use serializer="pickle"'
_MADE_BY_THEIR_VALUE = (str, int, float, complex, bytes, bytearray, list, tuple, dict, set, frozenset)


def reason_and_remedy(value: object, base: type | None) -> tuple[str, str]:
    """The end of a sentence that begins with the path of a value, and advice.

    ``base`` is the accepted type that the value's type is derived from, if any.
    """
    kind = type(value)
    name = type_name(kind)
    if issubclass(kind, Enum):
        return f"is a member of the enum {name}", f"pass its .value and write {kind.__name__}(...) in the task{_OR_PICKLE}"
    if hasattr(kind, "__dataclass_fields__"):
        return f"is a dataclass, {name}", f"pass dataclasses.asdict(value){_OR_PICKLE}"
    if hasattr(kind, "_fields") and issubclass(kind, tuple):
        return f"is a namedtuple, {name}", f"pass tuple(value) or value._asdict(){_OR_PICKLE}"
    if base is not None:
        return f"is {_a(name)}, and would come back as a plain {type_name(base)}", f"{_plain(base)}{_OR_PICKLE}"
    for matches, remedy in _REMEDIES:
        if matches(kind):
            return f"is {_a(name)}, which JSON mode can't store", remedy
    return f"is {_a(name)}, which JSON mode can't store", f"pass its id or its parts, and make it again in the task{_OR_PICKLE}"


def type_name(kind: type) -> str:
    """How a user finds the type: with its module, unless it is built in."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _a(name: str) -> str:
    return f"an {name}" if name[0] in "aeiouAEIO" else f"a {name}"


def _plain(base: type) -> str:
    if base is str:
        return "pass str.__str__(value)"  # str(value) of a "safe string" is a safe string again
    if base in _MADE_BY_THEIR_VALUE:
        return f"pass {base.__name__}(value)"
    return f"pass a plain {type_name(base)} or str(value)"


def _is_a(*bases: type) -> Callable[[type], bool]:
    return lambda kind: issubclass(kind, bases)


def _has(*names: str) -> Callable[[type], bool]:
    return lambda kind: all(hasattr(kind, name) for name in names)


# The first that matches. Types are asked, never values: a lazy proxy would answer for what it stands for.
_REMEDIES: tuple[tuple[Callable[[type], bool], str], ...] = (
    (_is_a(Coroutine), "await it first, and pass what it returns"),
    (_is_a(memoryview), "pass bytes(value)"),
    (_is_a(tzinfo), 'use datetime.timezone or zoneinfo.ZoneInfo("Area/City")'),
    (_is_a(io.IOBase), "pass the path of the file"),
    (_is_a(BaseException), f"pass str(value){_OR_PICKLE}"),
    (_is_a(type, FunctionType, BuiltinFunctionType, MethodType), "pass its name, and import it in the task"),
    (_has("tolist"), f"pass value.tolist(){_OR_PICKLE}"),
    (_is_a(Iterator, range), "pass list(value)"),
    (_has("keys", "__getitem__"), f"pass dict(value){_OR_PICKLE}"),
    (_has("__iter__"), f"pass list(value){_OR_PICKLE}"),
)
