"""The key of a call, which is the same in every process and version."""

from __future__ import annotations

import datetime
import random
import typing
import zoneinfo
from datetime import UTC, date, timedelta, timezone
from decimal import Decimal

import pytest
from codec_values import any_text, in_another_process, quick, values
from hypothesis import given
from hypothesis import strategies as st

from autocron.codec import call_key, encode_call

pytestmark = pytest.mark.filterwarnings("error")


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


def test_a_key_is_the_same_in_every_process_and_version():
    call = "({'a', 'b', ('c', 1), 'd', None},), {'x': 1.5, 'k': {2: 3}}"
    code = f"from autocron.codec import call_key, encode_call; print(call_key(encode_call({call})))"
    keys = {in_another_process(code, PYTHONHASHSEED=seed) for seed in ("1", "2", "3")}
    assert keys == {"00f80ad071ef108fb49f5518692f4e21"}
