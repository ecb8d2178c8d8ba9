"""What is stored comes back exactly, and the stored form of each type is fixed."""

from __future__ import annotations

import json
import sys
import uuid
from decimal import Context, Decimal, localcontext

import pytest
from codec_values import STORED, any_text, picture, plain_values, quick, values
from hypothesis import example, given
from hypothesis import strategies as st

from autocron.codec import decode_call, decode_value, encode_call, encode_value
from autocron.codec.writers import tag_value
from autocron.errors import DecodingError

pytestmark = pytest.mark.filterwarnings("error")


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
        back = decode_value(text)
        assert isinstance(back, Decimal)
        assert back.as_tuple() == number.as_tuple()
        with pytest.raises(DecodingError):
            decode_value('{"$decimal":"x"}')
    assert text == encode_value(number)


def test_uuids_come_back_equal_without_the_note_how_they_were_made():
    made = uuid.UUID(int=5, is_safe=uuid.SafeUUID.safe)
    assert decode_value(encode_value(made)) == made
