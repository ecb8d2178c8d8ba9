"""What the codec's tests are about: values that are accepted, their exact comparison, the stored form of each type."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import os
import pathlib
import struct
import subprocess
import sys
import typing
import uuid
import zoneinfo
from datetime import UTC, date, time, timedelta, timezone, tzinfo
from decimal import Decimal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

quick = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=120, database=None)


def picture(value: typing.Any) -> object:
    """What can be seen of a value: its type and all its parts. Pictures are equal only if the values are exactly the same."""
    kind = type(value)
    if kind is float:
        seen: object = struct.pack(">d", value)
    elif kind is complex:
        seen = picture(value.real), picture(value.imag)
    elif kind is int:
        seen = hex(value)
    elif kind in (list, tuple):
        seen = [picture(item) for item in value]
    elif kind is dict:
        seen = [(picture(key), picture(item)) for key, item in value.items()]
    elif kind in (set, frozenset):
        seen = sorted(repr(picture(member)) for member in value)
    elif kind is Decimal:
        seen = value.as_tuple()
    elif kind in (datetime.datetime, time):
        seen = value.replace(tzinfo=None).isoformat(), value.fold, picture(value.tzinfo)
    elif kind is zoneinfo.ZoneInfo:
        seen = value.key, value is zoneinfo.ZoneInfo(value.key)
    elif isinstance(value, pathlib.PurePath):
        seen = str(value), value.parts
    elif kind in (bytes, bytearray, str):
        seen = value[:]
    else:
        seen = repr(value)
    return kind, seen


TAGS = [
    "$", "$int", "$float", "$complex", "$str", "$bytes", "$bytearray", "$tuple", "$set", "$frozenset", "$dict", "$datetime",
    "$date", "$time", "$timedelta", "$timezone", "$zoneinfo", "$decimal", "$uuid", "$path", "$unknown",
]  # fmt: skip

any_text = st.text(st.characters(exclude_categories=()), max_size=12) | st.sampled_from(
    [*TAGS, "\ud800", "\ud83d\ude00", "\0", 'a"$b']
)
any_float = st.floats() | st.binary(min_size=8, max_size=8).map(lambda bits: struct.unpack(">d", bits)[0])
offsets = st.timedeltas(timedelta(microseconds=-86399_999999), timedelta(microseconds=86399_999999))
zones: st.SearchStrategy[tzinfo] = st.one_of(
    st.just(UTC),
    offsets.map(timezone),
    st.builds(timezone, offsets, st.text(max_size=5)),
    st.sampled_from(["Europe/Berlin", "America/New_York", "UTC"]).map(zoneinfo.ZoneInfo),
)
maybe_zones = st.none() | zones
any_datetime = st.builds(
    lambda moment, zone, fold: moment.replace(tzinfo=zone, fold=fold), st.datetimes(), maybe_zones, st.sampled_from([0, 1])
)
any_time = st.builds(
    lambda moment, zone, fold: moment.replace(tzinfo=zone, fold=fold), st.times(), maybe_zones, st.sampled_from([0, 1])
)
any_decimal = st.decimals() | st.sampled_from(["-0", "0E-30", "1E+400", "-NaN123", "1.10", "-Infinity"]).map(Decimal)
path_texts = st.text(st.sampled_from("ab./é ") | st.characters(exclude_categories=()), max_size=8)
any_path = st.one_of(path_texts.map(pathlib.PurePosixPath), path_texts.filter(lambda p: "\0" not in p).map(pathlib.Path))
hashable_leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers().map(lambda n: n << 14_000), any_float, any_text,
    st.binary(max_size=9), st.complex_numbers(), any_datetime, any_time, st.dates(), st.timedeltas(), zones, st.uuids(),
    any_path,
    any_decimal.filter(lambda number: not number.is_snan()),
)  # fmt: skip
hashables = st.recursive(
    hashable_leaves,
    lambda inner: st.lists(inner, max_size=4).map(tuple) | st.frozensets(inner, max_size=4),
    max_leaves=6,
)
values = st.recursive(
    hashable_leaves | any_decimal | st.just(Decimal("sNaN7")) | st.binary(max_size=9).map(bytearray),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(any_text, inner, max_size=4),
        st.dictionaries(hashables, inner, max_size=4),
        st.sets(hashables, max_size=4),
        hashables,
    ),
    max_leaves=12,
)
plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


# Databases outlive versions: a text here must be readable for ever.
STORED = [
    ("hi", '"hi"'),
    ("müller 😀", '"müller 😀"'),
    ([1, -0.0, None, True], "[1,-0.0,null,true]"),
    ({"b": 1, "a": 2}, '{"b":1,"a":2}'),
    ({"$set": [1]}, '{"$dict":[["$set",[1]]]}'),
    ({"\ud800": 1}, '{"$dict":[[{"$str":"7aCA"},1]]}'),
    ({1: "a", "1": "b"}, '{"$dict":[[1,"a"],["1","b"]]}'),
    ((1, (2,)), '{"$tuple":[1,{"$tuple":[2]}]}'),
    ({7}, '{"$set":[7]}'),
    (frozenset({7}), '{"$frozenset":[7]}'),
    (1 << 2001, '{"$int":"0x2' + "0" * 500 + '"}'),
    (float("-inf"), '{"$float":"fff0000000000000"}'),
    (complex(1, -0.0), '{"$complex":[1.0,-0.0]}'),
    ("\ud800", '{"$str":"7aCA"}'),
    (b"\0\xff", '{"$bytes":"AP8="}'),
    (bytearray(b"ab"), '{"$bytearray":"YWI="}'),
    (datetime.datetime(2026, 1, 2, 3, 4, 5, 6), '{"$datetime":["2026-01-02T03:04:05.000006",null,0]}'),
    (
        datetime.datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=1), "CET")),
        '{"$datetime":["2026-01-02T00:00:00",{"$timezone":[{"$timedelta":[0,3600,0]},"CET"]},0]}',
    ),
    (
        datetime.datetime(2026, 10, 25, 2, 30, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"), fold=1),
        '{"$datetime":["2026-10-25T02:30:00",{"$zoneinfo":"Europe/Berlin"},1]}',
    ),
    (date(2026, 1, 2), '{"$date":"2026-01-02"}'),
    (time(3, 4, tzinfo=UTC), '{"$time":["03:04:00",{"$timezone":[{"$timedelta":[0,0,0]}]},0]}'),
    (timedelta(-1, 2, 3), '{"$timedelta":[-1,2,3]}'),
    (Decimal("1E+30"), '{"$decimal":"1E+30"}'),
    (uuid.UUID(int=1), '{"$uuid":"00000000-0000-0000-0000-000000000001"}'),
    (pathlib.PurePosixPath("/a/b"), '{"$path":["PurePosixPath","/a/b"]}'),
    (pathlib.PureWindowsPath("c:/a"), '{"$path":["PureWindowsPath","c:\\\\a"]}'),
]


class Color(enum.Enum):
    RED = "r"


class Level(enum.IntEnum):
    LOW = 1


class Mode(enum.StrEnum):
    A = "a"


class Point(typing.NamedTuple):
    x: int


@dataclasses.dataclass
class User:
    name: str


class Model:
    pass


class SafeText(str):
    __slots__ = ()

    def __str__(self):
        return self


def in_another_process(code: str, **environ: str) -> str:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environ}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
