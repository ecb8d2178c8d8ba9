"""What it costs to have the codec, and to read without the application."""

from __future__ import annotations

import os

import pytest
from codec_values import STORED, in_another_process

from autocron import codec

pytestmark = pytest.mark.filterwarnings("error")


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
