"""Reads the tagged JSON objects that ``writers`` wrote.

A reader may raise any exception: the caller expects damaged and hostile text, and turns it into ``DecodingError``. Nothing
in a text can name code to run. The modules ``decimal``, ``uuid``, ``zoneinfo`` and ``pathlib`` are imported only when a
text needs them.
"""

from __future__ import annotations

import functools
import json
import struct
from binascii import a2b_base64
from collections.abc import Callable, Collection
from datetime import date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from decimal import Context, Decimal
    from pathlib import PurePath
    from uuid import UUID
    from zoneinfo import ZoneInfo

_sorted_json = json.JSONEncoder(sort_keys=True).encode
_Items = TypeVar("_Items", bound=Collection[object])


def untag(found: dict[str, Any]) -> object:
    """The value of one decoded JSON object, whose members are values already; raises anything if it is no valid tag."""
    tag = _tag_of(found)
    if tag is None:
        return found
    read = _READERS.get(tag)
    if read is None:
        raise ValueError(f"the tag {tag} is not known")
    return read(found[tag])


def sort_members(found: dict[str, Any]) -> dict[str, Any]:
    """The same JSON object with the members of a set, or the items of a dict, in an order that depends only on them."""
    tag = _tag_of(found)
    return {tag: sorted(found[tag], key=_sorted_json)} if tag in ("$set", "$frozenset", "$dict") else found


def _tag_of(found: dict[str, Any]) -> str | None:
    for name in found:
        if name.startswith("$"):
            if len(found) > 1:
                raise ValueError(f"the tag {name} is not alone")
            return name
    return None


@functools.cache
def decimal_context() -> Context:
    """Decimals to and from text whatever the current context says about capitals and traps; nothing is rounded."""
    from decimal import Context, InvalidOperation

    return Context(capitals=1, traps=[InvalidOperation])


def _bytes(text: str) -> bytes:
    return a2b_base64(text, strict_mode=True)


def _listed(items: Any) -> list[Any]:
    kind: type = type(items)
    if kind is not list:
        raise TypeError(f"a list was expected, not {kind.__name__}")
    listed: list[Any] = items
    return listed


def _without_loss(items: _Items, listed: list[Any]) -> _Items:
    if len(items) != len(listed):
        raise ValueError("an item is there twice")
    return items


def _read_float(bits: str) -> float:
    value: float = struct.unpack(">d", bytes.fromhex(bits))[0]
    return value


def _read_complex(parts: list[float]) -> complex:
    real, imaginary = parts
    return complex(real, imaginary)


def _read_tuple(items: list[object]) -> tuple[object, ...]:
    return tuple(_listed(items))


def _read_set(members: list[object]) -> set[object]:
    return _without_loss(set(_listed(members)), members)


def _read_frozenset(members: list[object]) -> frozenset[object]:
    return _without_loss(frozenset(_listed(members)), members)


def _read_dict(pairs: list[list[object]]) -> dict[object, object]:
    items: Any = map(_listed, _listed(pairs))
    return _without_loss(dict(items), pairs)


def _read_datetime(parts: list[Any]) -> datetime:
    text, zone, fold = parts
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


def _read_time(parts: list[Any]) -> time:
    text, zone, fold = parts
    return time.fromisoformat(text).replace(tzinfo=zone, fold=fold)


def _read_timedelta(parts: list[int]) -> timedelta:
    days, seconds, microseconds = parts
    return timedelta(days, seconds, microseconds)


def _read_timezone(offset_and_name: list[Any]) -> timezone:
    return timezone(*_listed(offset_and_name))


def _read_zoneinfo(key: str) -> ZoneInfo:
    from zoneinfo import ZoneInfo

    return ZoneInfo(key)


def _read_decimal(text: str) -> Decimal:
    from decimal import Decimal

    return Decimal(text, decimal_context())


def _read_uuid(text: str) -> UUID:
    from uuid import UUID

    return UUID(text)


def _read_path(parts: list[str]) -> PurePath:
    import pathlib

    kinds = (pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.PosixPath, pathlib.WindowsPath)
    name, text = parts
    return {kind.__name__: kind for kind in kinds}[name](text)


_READERS: dict[str, Callable[[Any], object]] = {
    "$int": lambda text: int(text, 16),
    "$float": _read_float,
    "$complex": _read_complex,
    "$str": lambda text: _bytes(text).decode("utf-8", "surrogatepass"),
    "$bytes": lambda text: _bytes(text),
    "$bytearray": lambda text: bytearray(_bytes(text)),
    "$tuple": _read_tuple,
    "$set": _read_set,
    "$frozenset": _read_frozenset,
    "$dict": _read_dict,
    "$datetime": _read_datetime,
    "$date": date.fromisoformat,
    "$time": _read_time,
    "$timedelta": _read_timedelta,
    "$timezone": _read_timezone,
    "$zoneinfo": _read_zoneinfo,
    "$decimal": _read_decimal,
    "$uuid": _read_uuid,
    "$path": _read_path,
}
