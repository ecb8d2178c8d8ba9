"""Writes the values JSON has no word for as tagged JSON objects: ``{"$tuple": [1, 2]}``.

A tag is the only key of its object and begins with ``$``. A dict that has such a key itself, or a key that isn't a string,
is written as ``{"$dict": [[key, value], ...]}``, so that it can't be taken for a tag. ``readers`` is the way back.
"""

from __future__ import annotations

import math
import struct
import sys
from binascii import b2a_base64
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta, timezone
from itertools import repeat
from typing import TYPE_CHECKING, Any

from autocron.codec import MAX_DEPTH, is_storable
from autocron.codec.readers import decimal_context
from autocron.codec.refusals import reason_and_remedy
from autocron.errors import EncodingError

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import PurePath
    from uuid import UUID
    from zoneinfo import ZoneInfo

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_LONGEST_DECIMAL_INT_BITS = 2000


def tag_call(args: tuple[object, ...], kwargs: dict[str, object], task: str) -> Json:
    """The pair of positional and keyword arguments as a JSON tree; raises ``EncodingError`` naming the argument."""
    positional = [tag_value(value, f"argument {place}", task) for place, value in enumerate(args, 1)]
    names = [tag_value(name, f"the name of argument {name}", task) for name in kwargs]
    values = [tag_value(value, f"argument {name}", task) for name, value in kwargs.items()]
    return [positional, _object(kwargs, names, values)]


def tag_value(value: object, what: str, task: str = "") -> Json:
    """One value as a JSON tree; raises ``EncodingError`` naming the part of ``what`` that can't be stored."""
    return _Tagger(what, task).tag(value)


class _Step(str):
    """A way into a value that is no subscript; shown as it is."""

    __slots__ = ()


_KEY = _Step("{key}")
_MEMBER = _Step("{member}")
_TZINFO = _Step(".tzinfo")


class _Tagger:
    """Makes the JSON tree of one value, and knows at each moment where in the value it is."""

    def __init__(self, root: str, task: str) -> None:
        self._root = root
        self._task = task
        self._open: list[int] = []
        self._steps: list[object] = []

    def tag(self, value: object) -> Json:
        kind = type(value)
        write = _writer_of(kind)
        if write is None:
            base = next(filter(_writer_of, kind.__mro__[1:]), None)
            raise self.refusal(*reason_and_remedy(value, base))
        return write(self, value)

    def items(self, container: object, steps: Iterable[tuple[object, object]]) -> list[Json]:
        """The trees of what a container holds, given as pairs of the step that leads there and the value."""
        if id(container) in self._open:
            raise self.refusal("contains itself", "pass the parts, each once")
        if len(self._open) == MAX_DEPTH:
            raise self.refusal(f"is nested more than {MAX_DEPTH} levels deep", "pass a flatter structure, or a string")
        self._open.append(id(container))
        self._steps.append(None)
        trees: list[Json] = []
        for step, item in steps:
            self._steps[-1] = step
            trees.append(self.tag(item))
        self._steps.pop()
        self._open.pop()
        return trees

    def refusal(self, reason: str, remedy: str) -> EncodingError:
        path = self._root + "".join(map(_shown, self._steps))
        owner = f" of {self._task}" if self._task else ""
        return EncodingError(f"{path}{owner} {reason}: {remedy}")


def _shown(step: object) -> str:
    if isinstance(step, _Step):
        return str(step)
    try:
        return f"[{step!r:.60}]"
    except ValueError:  # an integer above Python's limit of digits
        return f"[{type(step).__name__}]"


# Writers: one per exact type, from the value to JSON


def _itself(tagger: _Tagger, value: Any) -> Json:
    tree: Json = value
    return tree


def _write_int(tagger: _Tagger, value: int) -> Json:
    return value if value.bit_length() <= _LONGEST_DECIMAL_INT_BITS else {"$int": hex(value)}


def _write_float(tagger: _Tagger, value: float) -> Json:
    """Infinities and NaNs by their bits: JSON has no word for them, and a NaN has a sign and a payload."""
    return value if math.isfinite(value) else {"$float": struct.pack(">d", value).hex()}


def _write_complex(tagger: _Tagger, value: complex) -> Json:
    return {"$complex": [_write_float(tagger, value.real), _write_float(tagger, value.imag)]}


def _write_str(tagger: _Tagger, value: str) -> Json:
    return value if is_storable(value) else {"$str": _base64(value.encode("utf-8", "surrogatepass"))}


def _write_bytes(tagger: _Tagger, value: bytes) -> Json:
    return {"$bytes": _base64(value)}


def _write_bytearray(tagger: _Tagger, value: bytearray) -> Json:
    return {"$bytearray": _base64(value)}


def _write_list(tagger: _Tagger, value: list[object]) -> Json:
    return tagger.items(value, enumerate(value))


def _write_tuple(tagger: _Tagger, value: tuple[object, ...]) -> Json:
    return {"$tuple": tagger.items(value, enumerate(value))}


def _write_set(tagger: _Tagger, value: set[object]) -> Json:
    return {"$set": tagger.items(value, zip(repeat(_MEMBER), value))}


def _write_frozenset(tagger: _Tagger, value: frozenset[object]) -> Json:
    return {"$frozenset": tagger.items(value, zip(repeat(_MEMBER), value))}


def _write_dict(tagger: _Tagger, value: dict[object, object]) -> Json:
    keys = tagger.items(value, zip(repeat(_KEY), value))
    return _object(value, keys, tagger.items(value, value.items()))


def _object(names: Iterable[object], keys: list[Json], values: list[Json]) -> Json:
    """A JSON object, or pairs if one of the names can't be a name in JSON or could be taken for a tag."""
    named: dict[str, Json] = {}
    for name, value in zip(names, values, strict=True):
        if type(name) is not str or name.startswith("$") or not is_storable(name):
            return {"$dict": [[key, value] for key, value in zip(keys, values, strict=True)]}
        named[name] = value
    return named


def _write_datetime(tagger: _Tagger, value: datetime) -> Json:
    return {"$datetime": [value.replace(tzinfo=None).isoformat(), _zone(tagger, value), value.fold]}


def _write_date(tagger: _Tagger, value: date) -> Json:
    return {"$date": value.isoformat()}


def _write_time(tagger: _Tagger, value: time) -> Json:
    return {"$time": [value.replace(tzinfo=None).isoformat(), _zone(tagger, value), value.fold]}


def _zone(tagger: _Tagger, value: datetime | time) -> Json:
    return None if value.tzinfo is None else tagger.items(value, [(_TZINFO, value.tzinfo)])[0]


def _write_timedelta(tagger: _Tagger, value: timedelta) -> Json:
    return {"$timedelta": [value.days, value.seconds, value.microseconds]}


def _write_timezone(tagger: _Tagger, value: timezone) -> Json:
    pickled: Any = value  # the only way to tell a name that was given from the one a timezone makes up
    return {"$timezone": [tagger.tag(part) for part in pickled.__getinitargs__()]}


def _write_zoneinfo(tagger: _Tagger, value: ZoneInfo) -> Json:
    from pickle import PicklingError

    pickled: Any = value
    try:
        _, (key, is_shared) = pickled.__reduce__()
    except PicklingError:  # made by from_file()
        key, is_shared = None, False
    if not is_shared:
        raise tagger.refusal("is a ZoneInfo that was not made by ZoneInfo(key)", "make it by ZoneInfo(key)")
    return {"$zoneinfo": tagger.tag(key)}


def _write_decimal(tagger: _Tagger, value: Decimal) -> Json:
    return {"$decimal": decimal_context().to_sci_string(value)}


def _write_uuid(tagger: _Tagger, value: UUID) -> Json:
    return {"$uuid": str(value)}


def _write_path(tagger: _Tagger, value: PurePath) -> Json:
    text = str(value)
    again = type(value)(text)
    if again != value or again.parts != value.parts:  # PureWindowsPath("./c:b") on Python 3.11
        raise tagger.refusal(f"is a {type(value).__name__} that its own text doesn't name", "pass its parts")
    return {"$path": [type(value).__name__, tagger.tag(text)]}


_Writer = Callable[[_Tagger, Any], Json]
_WRITERS: dict[type, _Writer] = {
    type(None): _itself,
    bool: _itself,
    int: _write_int,
    float: _write_float,
    complex: _write_complex,
    str: _write_str,
    bytes: _write_bytes,
    bytearray: _write_bytearray,
    list: _write_list,
    tuple: _write_tuple,
    set: _write_set,
    frozenset: _write_frozenset,
    dict: _write_dict,
    datetime: _write_datetime,
    date: _write_date,
    time: _write_time,
    timedelta: _write_timedelta,
    timezone: _write_timezone,
}
# A value of these types can only be there if the application imported their modules; autocron itself doesn't.
_WRITERS_BY_NAME: dict[tuple[str, str], _Writer] = {
    ("decimal", "Decimal"): _write_decimal,
    ("uuid", "UUID"): _write_uuid,
    ("zoneinfo", "ZoneInfo"): _write_zoneinfo,
    ("pathlib", "PurePosixPath"): _write_path,
    ("pathlib", "PureWindowsPath"): _write_path,
    ("pathlib", "PosixPath"): _write_path,
    ("pathlib", "WindowsPath"): _write_path,
}


def _writer_of(kind: type) -> _Writer | None:
    write = _WRITERS.get(kind)
    if write is None:
        for (module, name), candidate in _WRITERS_BY_NAME.items():
            if getattr(sys.modules.get(module), name, None) is kind:
                write = _WRITERS[kind] = candidate
    return write


def _base64(data: bytes | bytearray) -> str:
    return b2a_base64(data, newline=False).decode()
