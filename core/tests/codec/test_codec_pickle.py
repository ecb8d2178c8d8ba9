"""Pickle mode."""

from __future__ import annotations

from collections import OrderedDict

import pytest
from codec_values import Level, Point, User

from autocron.codec import call_key, decode_call, decode_value, encode_call, encode_value
from autocron.errors import DecodingError, EncodingError

pytestmark = pytest.mark.filterwarnings("error")


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
