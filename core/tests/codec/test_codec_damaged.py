"""Damaged and hostile text."""

from __future__ import annotations

import contextlib
import json
import pickle

import pytest
from codec_values import STORED, TAGS, any_text, quick, values
from hypothesis import given, settings
from hypothesis import strategies as st

from autocron.codec import call_key, decode_call, decode_value, encode_value
from autocron.errors import DecodingError

pytestmark = pytest.mark.filterwarnings("error")


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
