"""The codec: what comes back, what is refused and how, what damaged text does."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime
import enum
import io
import json
import os
import pathlib
import pickle
import random
import struct
import subprocess
import sys
import typing
import uuid
import zoneinfo
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from datetime import UTC, date, time, timedelta, timezone, tzinfo
from decimal import Context, Decimal, localcontext

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from autocron import codec
from autocron.codec import MAX_DEPTH, call_key, decode_call, decode_value, encode_call, encode_value
from autocron.codec.writers import tag_value
from autocron.errors import ConfigurationError, DecodingError, EncodingError

pytestmark = pytest.mark.filterwarnings("error")
quick = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=120, database=None)


# Values and their exact comparison


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


# What comes back


@given(value=values)
@quick
def test_g33_every_accepted_value_comes_back_with_its_type_its_value_and_its_order(value):
    text = encode_value(value)
    assert picture(decode_value(text)) == picture(value)


@given(args=st.lists(values, max_size=4).map(tuple), kwargs=st.dictionaries(any_text, values, max_size=3))
@quick
def test_g33_every_accepted_call_comes_back_exactly(args, kwargs):
    got_args, got_kwargs = decode_call(encode_call(args, kwargs))
    assert picture(got_args) == picture(args)
    assert picture(got_kwargs) == picture(kwargs)


@given(value=values | plain_values)
@quick
def test_g33_stored_text_is_strict_json_that_utf_8_can_hold(value):
    text = encode_value(value)
    text.encode()
    assert "\0" not in text
    assert "\n" not in text
    json.loads(text, parse_constant=pytest.fail)


@given(value=values | plain_values)
@example(value=10**602)
@example(value=[10**603, "x"])
@example(value="7" * 5000)
@quick
def test_the_fast_path_writes_what_the_exact_path_writes(value):
    assert encode_value(value) == json.dumps(tag_value(value, ""), ensure_ascii=False, separators=(",", ":"))


@given(value=plain_values)
@quick
def test_ordinary_values_are_stored_as_ordinary_json(value):
    text = encode_value(value)
    if '"$' not in text:
        assert json.loads(text) == value


# The stored form of each type. Databases outlive versions: a text here must be readable for ever.
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


@pytest.mark.parametrize("value,text", STORED)
def test_g33_stored_form_of_each_type_is_fixed(value, text):
    assert encode_value(value) == text
    assert picture(decode_value(text)) == picture(value)


def test_one_list_passed_twice_comes_back_as_two_equal_lists():
    shared = [1]
    (first, second), _ = decode_call(encode_call((shared, shared), {}))
    assert first == second == [1]
    assert first is not second


def test_g33_integers_do_not_depend_on_the_digit_limit_of_a_process():
    numbers = [sign * 10**power for sign in (1, -1) for power in (601, 602, 603, 639, 640, 4299, 4300, 50_000)]
    texts = []
    before = sys.get_int_max_str_digits()
    try:
        for limit in (0, 640, 4300):
            sys.set_int_max_str_digits(limit)
            texts.append(encode_value(numbers))
            sys.set_int_max_str_digits(640)
            assert decode_value(texts[-1]) == numbers
            assert [decode_value(encode_value(number)) for number in numbers] == numbers
    finally:
        sys.set_int_max_str_digits(before)
    assert len(set(texts)) == 1


def test_g33_decimals_do_not_depend_on_the_context():
    number = Decimal("1.234567890123456789E+50")
    with localcontext(Context(prec=3, capitals=0, traps=[])):
        text = encode_value(number)
        assert decode_value(text).as_tuple() == number.as_tuple()  # type: ignore[attr-defined]
        with pytest.raises(DecodingError):
            decode_value('{"$decimal":"x"}')
    assert text == encode_value(number)


def test_uuids_come_back_equal_without_the_note_how_they_were_made():
    made = uuid.UUID(int=5, is_safe=uuid.SafeUUID.safe)
    assert decode_value(encode_value(made)) == made


# What is refused


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
    remedy(lambda: Color.RED, f"enum {__name__}.Color", "pass its .value", "Color(...)", 'serializer="pickle"'),
    remedy(lambda: Level.LOW, f"enum {__name__}.Level", "pass its .value"),
    remedy(lambda: Mode.A, f"enum {__name__}.Mode", "pass its .value"),
    remedy(lambda: Point(1), f"namedtuple, {__name__}.Point", "pass tuple(value) or value._asdict()"),
    remedy(lambda: User("a"), f"dataclass, {__name__}.User", "pass dataclasses.asdict(value)"),
    remedy(Model, f"{__name__}.Model", "pass its id", 'serializer="pickle"'),
    remedy(lambda: SafeText("a"), f"{__name__}.SafeText, and would come back as a plain str", "pass str.__str__(value)"),
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
    with pytest.raises(EncodingError, match=rf"^the result\['a'\] is a {__name__}.Model"):
        encode_value({"a": Model()})
    with pytest.raises(EncodingError, match=rf"^the result of t\[1\] is a {__name__}.Model"):
        encode_value([1, Model()], what="the result of t")
    with pytest.raises(EncodingError, match=rf"^argument 1 is a {__name__}.Model"):
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


# Damaged and hostile text

json_trees = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | any_text
    | st.sampled_from(["0x1", "2026-01-02", "AP8=", "Europe"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(any_text, inner, max_size=3),
        st.builds(lambda tag, payload: {tag: payload}, st.sampled_from(TAGS), inner | st.lists(inner, max_size=4)),
    ),
    max_leaves=12,
)


@st.composite
def mutated_texts(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from([text for _, text in STORED])) if draw(st.booleans()) else encode_value(draw(values))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 3)))
        text = text[:start] + draw(st.text(st.sampled_from('"$[]{},:0x9-.eTZ\\u') | st.characters(), max_size=3)) + text[end:]
    return text


def decodes_or_says_so(text: str) -> None:
    for decode in (decode_value, decode_call, call_key):
        with contextlib.suppress(DecodingError):
            decode(text)
    with contextlib.suppress(DecodingError):
        decode_call(f"[[{text}],{{}}]")
    with contextlib.suppress(DecodingError):
        call_key(f"[[{text}],{{}}]")


@pytest.fixture
def no_pickle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle, "loads", lambda *_: pytest.fail("unpickled a text that doesn't say it is a pickle"))


@pytest.mark.usefixtures("no_pickle")
@given(text=st.text(max_size=60) | mutated_texts() | json_trees.map(json.dumps))
@settings(quick, max_examples=400)
def test_g33_damaged_text_gives_a_decoding_error_and_nothing_else(text):
    if not text.startswith("pickle:"):
        decodes_or_says_so(text)


@pytest.mark.usefixtures("no_pickle")
@pytest.mark.parametrize(
    "text",
    [
        "", " ", "[", "nul", "NaN", "Infinity", "-Infinity", "[1] ", " [1]", "[1][", '"\n"', '"a', "1" * 5000, "pickle",
        "Pickle:gAROLg==",
        '{"$unknown":1}', '{"$":1}', '{"$tuple":[1],"a":2}', '{"a":2,"$tuple":[1]}', '{"$tuple":"ab"}', '{"$tuple":{"a":1}}',
        '{"$set":[[1]]}', '{"$set":[1,1]}', '{"$set":"ab"}', '{"$frozenset":[1,true]}', '{"$dict":[[1,2],[1,3]]}',
        '{"$dict":[[1]]}',         '{"$dict":{"a":1}}', '{"$dict":["ab"]}', '{"$int":"x"}', '{"$int":5}',
        '{"$float":"00"}', '{"$float":"inf"}',
        '{"$complex":[1]}',         '{"$complex":["1","2"]}', '{"$str":"A"}', '{"$str":"/w=="}', '{"$bytes":"A"}',
        '{"$bytes":5}', '{"$bytes":"A P8="}',
        '{"$datetime":"2026-01-02"}', '{"$datetime":["x",null,0]}', '{"$datetime":["2026-01-02","UTC",0]}', '{"$date":5}',
        '{"$datetime":["2026-01-02",null,2]}', '{"$time":["25:00",null,0]}', '{"$timedelta":[1e99,0,0]}',
        '{"$timedelta":[1]}',
        '{"$timezone":[]}', '{"$timezone":[{"$timedelta":[5,0,0]}]}', '{"$zoneinfo":"No/Where"}',
        '{"$zoneinfo":"../../etc/passwd"}',         '{"$zoneinfo":"Europe"}', '{"$zoneinfo":5}',
        '{"$zoneinfo":"/etc/passwd"}', '{"$decimal":"x"}', '{"$decimal":[1]}',
        '{"$uuid":"x"}', '{"$uuid":5}', '{"$path":["os","a"]}', '{"$path":["Path"]}', '{"$path":["PurePosixPath",5]}',
        "[" * 100_000, '{"a":' * 100_000, '{"$tuple":[' * 50_000,
    ],
    ids=lambda text: text[:30],
)  # fmt: skip
def test_g33_g66_a_text_the_codec_never_wrote_is_refused(text):
    for decode in (decode_value, decode_call):
        with pytest.raises(DecodingError) as caught:
            decode(text)
        assert repr(text)[:20] in str(caught.value)
        assert "damaged" in str(caught.value)
        assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "null",
        "[]",
        "{}",
        "[[]]",
        "[[],{},1]",
        "[{},[]]",
        "[[],[]]",
        '"ab"',
        '{"$tuple":[[],{}]}',
        '[[],{"$dict":[[1,2]]}]',
    ],
)
def test_a_text_that_is_no_call_is_refused_as_a_call(text):
    with pytest.raises(DecodingError):
        decode_call(text)


def test_a_deep_text_gives_no_recursion_error_as_a_key():
    for levels in range(100, 1100, 100):
        with contextlib.suppress(DecodingError):
            call_key("[" + "[" * levels + "]" * levels + ",{}]")


# The key of a call


def shuffled(value: typing.Any, dice: random.Random) -> typing.Any:
    """An equal value whose dicts, at every level, are filled in another order."""
    if type(value) is dict:
        items = [(key, shuffled(item, dice)) for key, item in value.items()]
        dice.shuffle(items)
        return dict(items)
    if type(value) in (list, tuple):
        return type(value)(shuffled(item, dice) for item in value)
    if type(value) in (set, frozenset):
        members = list(value)
        dice.shuffle(members)
        return type(value)(members)
    return value


@given(args=st.lists(values, max_size=3), kwargs=st.dictionaries(any_text, values, max_size=4), dice=st.randoms())
@quick
def test_equal_calls_have_equal_keys_in_any_order(args, kwargs, dice):
    other = encode_call(tuple(shuffled(args, dice)), shuffled(kwargs, dice))
    assert call_key(encode_call(tuple(args), kwargs)) == call_key(other)


def test_different_calls_have_different_keys():
    different: list[object] = [
        1, 1.0, True, "1", Decimal(1), Decimal("1.0"), complex(1), b"1", bytearray(b"1"), [1], (1,), {1}, frozenset({1}), [[1]],
        [1, 1],         0, 0.0, -0.0, False, None, "", "None", [], (), {}, set(), {1: 1}, {"1": 1}, {True: 1}, {"$tuple": [1]},
        ["a", "b"], ["b", "a"],         float("nan"), float("inf"), "nan", date(2026, 1, 1),
        datetime.datetime(2026, 1, 1, 12, tzinfo=UTC),
        datetime.datetime(2026, 1, 1, 13, tzinfo=timezone(timedelta(hours=1))),
        datetime.datetime(2026, 1, 1, 13, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
    ]  # fmt: skip
    texts = [encode_call((value,), {}) for value in different]
    texts += [encode_call((), {"a": 1}), encode_call((), {"b": 1}), encode_call((), {}), encode_call(({"a": 1},), {})]
    assert len({call_key(text) for text in texts}) == len(texts)


def in_another_process(code: str, **environ: str) -> str:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environ}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_key_is_the_same_in_every_process_and_version():
    call = "({'a', 'b', ('c', 1), 'd', None},), {'x': 1.5, 'k': {2: 3}}"
    code = f"from autocron.codec import call_key, encode_call; print(call_key(encode_call({call})))"
    keys = {in_another_process(code, PYTHONHASHSEED=seed) for seed in ("1", "2", "3")}
    assert keys == {"00f80ad071ef108fb49f5518692f4e21"}


# Pickle mode


def test_pickle_mode_takes_what_json_refuses_and_its_texts_say_so():
    text = encode_call((User("a"), Point(1), Level.LOW), {"when": OrderedDict(a=1)}, serializer="pickle")
    assert text.startswith("pickle:")
    assert text.isascii()
    args, kwargs = decode_call(text)
    assert args == (User("a"), Point(1), Level.LOW)
    assert [type(value) for value in (*args, kwargs["when"])] == [User, Point, Level, OrderedDict]
    assert decode_value(encode_value(User("b"), serializer="pickle")) == User("b")


class Unpicklable:
    def __reduce__(self):
        raise RuntimeError("no way")


def test_g66_pickle_mode_names_the_argument_that_cannot_be_pickled():
    expected = rf" of t is a {__name__}.Unpicklable that can't be pickled \(RuntimeError: no way\): pass its id"
    with pytest.raises(EncodingError, match="^argument 2" + expected):
        encode_call((1, [Unpicklable()][0]), {}, serializer="pickle", task="t")
    with pytest.raises(EncodingError, match="^argument b" + expected):
        encode_call((1,), {"a": 1, "b": Unpicklable()}, serializer="pickle", task="t")
    with pytest.raises(EncodingError, match=r"^the result is a list that can't be pickled"):
        encode_value([Unpicklable()], serializer="pickle")


@pytest.mark.parametrize(
    "text", ["pickle:", "pickle:x", "pickle:gASV", "pickle:AAAA", "pickle:gARLAS4=\n", "pickle:Y25vLndoZXJlCngKLg=="]
)
def test_damaged_pickles_give_a_decoding_error(text):
    for decode in (decode_value, decode_call, call_key):
        with pytest.raises(DecodingError):
            decode(text)


def test_keys_of_pickled_calls_ignore_the_order_of_keywords_and_shared_parts():
    word, same_word = (bytes([119, 111]).decode() for _ in range(2))
    one = encode_call((word, word, {"a", "b"}), {"x": User("a"), "y": {1: 2, 3: 4}}, serializer="pickle")
    two = encode_call((word, same_word, {"b", "a"}), {"y": {3: 4, 1: 2}, "x": User("a")}, serializer="pickle")
    other = encode_call((word, word, {"a", "b"}), {"x": User("b"), "y": {1: 2, 3: 4}}, serializer="pickle")
    assert call_key(one) == call_key(two) != call_key(other)


# What is too large for a row of the database


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


# What it costs to have it


def test_modules_an_application_may_not_need_are_not_imported():
    code = f"""
import sys, types
package = sys.modules["autocron"] = types.ModuleType("autocron")  # the codec alone, without the rest of autocron
package.__path__ = [{os.path.dirname(os.path.dirname(codec.__file__))!r}]
before = set(sys.modules)
from autocron.codec import decode_value, encode_value
assert decode_value(encode_value([1, (2, b"3")])) == [1, (2, b"3")]
print(*(set(sys.modules) - before) & {{"decimal", "uuid", "zoneinfo", "pickle", "hashlib", "pathlib", "base64"}})
"""
    assert in_another_process(code) == ""


@pytest.mark.parametrize(
    "value,text", [pair for pair in STORED if any(t in pair[1] for t in ("$decimal", "$uuid", "$zone", "$path"))]
)
def test_g33_a_worker_that_has_not_imported_a_type_can_read_it(value, text):
    assert in_another_process(f"from autocron.codec import decode_value; print(repr(decode_value({text!r})))") == repr(value)
