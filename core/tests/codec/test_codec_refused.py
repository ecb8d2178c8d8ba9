"""What the codec refuses, where the value is, and the remedy."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import io
import os
import pathlib
import sys
import typing
import uuid
import zoneinfo
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from datetime import date, time, timedelta, tzinfo
from decimal import Decimal

import pytest
from codec_values import Color, Level, Mode, Model, Point, SafeText, User, picture

from autocron import codec
from autocron.codec import MAX_DEPTH, decode_call, decode_value, encode_call, encode_value
from autocron.errors import ConfigurationError, EncodingError

pytestmark = pytest.mark.filterwarnings("error")


def subclass_of(base: type) -> type:
    return type(f"My{base.__name__.title()}", (base,), {})


async def coroutine() -> None: ...


class OtherZone(tzinfo):
    def utcoffset(self, moment: object) -> timedelta:
        return timedelta(0)

    dst = utcoffset

    def tzname(self, moment: object) -> str:
        return "other"


def zone_from_file() -> zoneinfo.ZoneInfo:
    found = next(path for path in map(pathlib.Path, zoneinfo.TZPATH) if (path / "Europe/Berlin").exists())
    with (found / "Europe/Berlin").open("rb") as file:
        return zoneinfo.ZoneInfo.from_file(file, key="Europe/Berlin")


def remedy(made: Callable[[], object], *expected: str) -> typing.Any:
    return pytest.param(made, expected, id=expected[0])


REFUSED = [
    remedy(lambda: Color.RED, "enum codec_values.Color", "pass its .value", "Color(...)", 'serializer="pickle"'),
    remedy(lambda: Level.LOW, "enum codec_values.Level", "pass its .value"),
    remedy(lambda: Mode.A, "enum codec_values.Mode", "pass its .value"),
    remedy(lambda: Point(1), "namedtuple, codec_values.Point", "pass tuple(value) or value._asdict()"),
    remedy(lambda: User("a"), "dataclass, codec_values.User", "pass dataclasses.asdict(value)"),
    remedy(Model, "codec_values.Model", "pass its id", 'serializer="pickle"'),
    remedy(lambda: SafeText("a"), "codec_values.SafeText, and would come back as a plain str", "pass str.__str__(value)"),
    remedy(lambda: OrderedDict(a=1), "collections.OrderedDict", "plain dict", "pass dict(value)"),
    remedy(lambda: defaultdict(int), "collections.defaultdict", "pass dict(value)"),
    remedy(lambda: Counter("aa"), "collections.Counter", "pass dict(value)"),
    *(
        remedy(subclass_of(base), f".My{base.__name__.title()}", f"pass {base.__name__}(value)")
        for base in (int, float, complex, bytes, bytearray, list, tuple, dict, set, frozenset)
    ),
    remedy(lambda: subclass_of(datetime.datetime)(2026, 1, 1), ".MyDatetime", "pass a plain datetime.datetime"),
    remedy(lambda: subclass_of(date)(2026, 1, 1), ".MyDate", "pass a plain datetime.date"),
    remedy(lambda: subclass_of(timedelta)(1), ".MyTimedelta", "pass a plain datetime.timedelta"),
    remedy(lambda: subclass_of(Decimal)(1), ".MyDecimal", "pass a plain decimal.Decimal"),
    remedy(lambda: subclass_of(uuid.UUID)(int=1), ".MyUuid", "pass a plain uuid.UUID"),
    remedy(lambda: subclass_of(pathlib.PurePosixPath)("a"), ".MyPureposixpath", "pass a plain pathlib"),
    remedy(lambda: deque([1]), "collections.deque", "pass list(value)"),
    remedy(lambda: range(3), "a range", "pass list(value)"),
    remedy(lambda: iter([1]), "list_iterator", "pass list(value)"),
    remedy(lambda: (n for n in [1]), "a generator", "pass list(value)"),
    remedy(lambda: {}.keys(), "dict_keys", "pass list(value)"),
    remedy(lambda: memoryview(b"a"), "memoryview", "pass bytes(value)"),
    remedy(lambda: io.StringIO(), "StringIO", "pass the path of the file"),
    remedy(lambda: ValueError("x"), "ValueError", "pass str(value)"),
    remedy(lambda: Model, "a type", "pass its name, and import it in the task"),
    remedy(lambda: len, "builtin_function", "pass its name"),
    remedy(lambda: subclass_of, "a function", "pass its name"),
    remedy(lambda: os.environ, "os._Environ", "pass dict(value)"),
    remedy(lambda: ..., "an ellipsis", "pass its id"),
    remedy(OtherZone, f"{__name__}.OtherZone", "datetime.timezone or zoneinfo.ZoneInfo"),
    remedy(zone_from_file, "ZoneInfo that was not made by ZoneInfo(key)", "make it by ZoneInfo(key)"),
    remedy(lambda: zoneinfo.ZoneInfo.no_cache("UTC"), "not made by ZoneInfo(key)", "make it by ZoneInfo(key)"),
]


@pytest.mark.parametrize("made,expected", REFUSED)
@pytest.mark.parametrize("wrap,path", [(lambda v: v, ""), (lambda v: [0, v], "[1]"), (lambda v: {"when": (v,)}, "['when'][0]")])
def test_g33_g66_what_json_cannot_give_back_is_refused_with_its_place_and_the_remedy(made, expected, wrap, path):
    with pytest.raises(EncodingError) as caught:
        encode_call(("ok", wrap(made())), {}, task="shop.send_mail")
    assert str(caught.value).startswith(f"argument 2{path} of shop.send_mail is a")
    for part in expected:
        assert part in str(caught.value)


def test_g20_a_coroutine_is_refused_with_the_advice_to_await_it():
    pending = coroutine()
    with contextlib.closing(pending), pytest.raises(EncodingError, match=r"argument 1 is a coroutine.*: await it first"):
        encode_call((pending,), {})
    asyncio.run(coroutine())


class Flag(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "args,kwargs,path",
    [
        ((), {"to": Model()}, "argument to of t "),
        ((), {"to": {"a": [Model()]}}, "argument to['a'][0] of t "),
        ((1, 2, [{"a": {3: Model()}}]), {}, "argument 3[0]['a'][3] of t "),
        (({Point(1): 1},), {}, "argument 1{key} of t "),
        (({Level.LOW: 1},), {}, "argument 1{key} of t "),
        (({Flag("a"): 1},), {}, "argument 1{key} of t "),
        (({(1, Level.LOW)},), {}, "argument 1{member}[1] of t "),
        ((datetime.datetime(2026, 1, 1, tzinfo=OtherZone()),), {}, "argument 1.tzinfo of t "),
        ((time(1, tzinfo=OtherZone()),), {}, "argument 1.tzinfo of t "),
        (({1 << 50_000: Model()},), {}, "argument 1[int] of t "),
        (({"x" * 500: Model()},), {}, "argument 1['" + "x" * 59 + "] of t "),
        ((), {Flag("a"): 1}, "the name of argument a of t "),
    ],
)
def test_g66_the_message_names_the_path_to_the_value(args, kwargs, path):
    with pytest.raises(EncodingError) as caught:
        encode_call(args, kwargs, task="t")
    assert str(caught.value).startswith(path)


def test_g66_the_message_names_what_is_encoded():
    with pytest.raises(EncodingError, match=r"^the result\['a'\] is a codec_values.Model"):
        encode_value({"a": Model()})
    with pytest.raises(EncodingError, match=r"^the result of t\[1\] is a codec_values.Model"):
        encode_value([1, Model()], what="the result of t")
    with pytest.raises(EncodingError, match=r"^argument 1 is a codec_values.Model"):
        encode_call((Model(),), {})


def test_g66_an_unknown_serializer_is_refused_with_the_known_ones():
    for encode in (lambda: encode_call((), {}, serializer="yaml"), lambda: encode_value(1, serializer="yaml")):
        with pytest.raises(ConfigurationError, match=r"serializer='yaml' .*\"json\" or serializer=\"pickle\""):
            encode()


def test_a_path_that_its_own_text_does_not_name_is_refused_or_comes_back():
    path = pathlib.PureWindowsPath("./c:b")
    if pathlib.PureWindowsPath(str(path)) == path:  # since Python 3.12
        assert picture(decode_value(encode_value(path))) == picture(path)
    else:
        with pytest.raises(EncodingError, match="its own text doesn't name"):
            encode_value(path)


def test_g33_a_structure_that_contains_itself_is_refused():
    items: list[object] = [1]
    items.append(items)
    named: dict[object, object] = {"a": (items := [*items, 2])}
    items.append(named)
    keyed: dict[object, object] = {1: 2}
    keyed[3] = [keyed]
    for cyclic, path in ((items, r"\[1\]\[1\]"), (named, r"\['a'\]\[1\]\[1\]"), (keyed, r"\[3\]\[0\]")):
        with pytest.raises(EncodingError, match=f"^argument 1{path} of t contains itself: "):
            encode_call((cyclic,), {}, task="t")


NESTS: list[Callable[[object], object]] = [
    lambda v: [v], lambda v: (v,), lambda v: {"a": v}, lambda v: {1: v}, lambda v: frozenset({v}), lambda v: {(v,): 1},
]  # fmt: skip


def nested(nest: Callable[[object], object], levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = nest(value)
    return value


@pytest.mark.parametrize("nest", NESTS[:5])
def test_g33_nesting_has_a_limit_and_up_to_it_values_come_back(nest):
    deepest = nested(nest, MAX_DEPTH)
    assert decode_value(encode_value(deepest)) == deepest
    assert decode_call(encode_call((deepest,), {"a": deepest})) == ((deepest,), {"a": deepest})
    for too_deep in (nested(nest, MAX_DEPTH + 1), nested(nest, 700)):
        with pytest.raises(EncodingError, match="of t is nested more than 100 levels deep: pass a flatter"):
            encode_call((), {"a": too_deep}, task="t")


@pytest.mark.parametrize("nest", NESTS[:4])
def test_g33_a_nearly_full_stack_gives_an_encoding_error(nest):
    deepest = nested(nest, MAX_DEPTH)

    def call_with_frames_left(levels: int) -> str:
        return encode_call((deepest,), {}, task="t") if levels == 0 else call_with_frames_left(levels - 1)

    used = 0
    frame = sys._getframe()
    while frame.f_back:
        frame, used = frame.f_back, used + 1
    with pytest.raises(EncodingError, match=r"^a call of t is nested too deep for what is left of Python's stack"):
        call_with_frames_left(sys.getrecursionlimit() - used - 70)


@pytest.mark.parametrize("serializer", ["json", "pickle"])
def test_g20_what_takes_more_room_than_there_is_is_refused_with_the_remedy(monkeypatch, serializer):
    monkeypatch.setattr(codec, "LONGEST_TEXT", 1000)
    encode_call(("x" * 500,), {}, serializer=serializer, task="t")
    encode_value("x" * 500, serializer=serializer)
    with pytest.raises(
        EncodingError, match=r"^the arguments of t: 1,\d\d\d bytes .* 1,000 can be stored; .* and pass what finds it"
    ):
        encode_call(("x" * 998, "y" * 10), {}, serializer=serializer, task="t")
    with pytest.raises(EncodingError, match=r"^the result: 1,\d\d\d bytes .* and return what finds it there: a path, a key$"):
        encode_value("x" * 1001, serializer=serializer)


def test_g20_room_is_counted_in_bytes(monkeypatch):
    monkeypatch.setattr(codec, "LONGEST_TEXT", 1000)
    assert len(encode_value("é" * 499)) == 501
    with pytest.raises(EncodingError, match=r"^the result: 1,002 bytes"):
        encode_value("é" * 500)
