"""Arguments and results to and from text: exactly the same value comes back, or it is refused when it is encoded.

JSON mode (the default) accepts ``None``, ``bool``, ``int``, ``float``, ``complex``, ``str``, ``bytes``, ``bytearray``,
``list``, ``tuple``, ``dict`` with any accepted hashable keys, ``set``, ``frozenset``, ``datetime``, ``date``, ``time``,
``timedelta``, ``timezone``, ``ZoneInfo(key)``, ``Decimal``, ``UUID`` and the ``pathlib`` paths, nested up to ``MAX_DEPTH``
containers. Types must match exactly: a subclass (``IntEnum``, ``OrderedDict``, a namedtuple) is refused, because it would
come back as its base.

Two things aren't part of a value: the identity of mutable objects (a list passed twice comes back as two equal lists) and
how a UUID was made (``UUID.is_safe``).

Ordinary values are stored as ordinary JSON, ``[["a@b.c",42],{}]``; the types JSON lacks are stored as tagged objects
(``autocron.codec.writers``). Pickle mode stores ``pickle:`` and base64; only a text that begins so is ever unpickled.
The modules for either are loaded by the first value that needs them.
"""

from __future__ import annotations

import functools
import json
import json.encoder
import re
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from autocron.errors import ConfigurationError, DecodingError, EncodingError, TooLargeError

__all__ = [
    "LONGEST_TEXT",
    "MAX_DEPTH",
    "call_key",
    "decode_call",
    "decode_value",
    "encode_call",
    "encode_value",
    "is_pickled",
    "refuse_too_large",
]

MAX_DEPTH = 100
"""How many containers may be nested in each other."""

LONGEST_TEXT = 300_000_000
"""Bytes. A row has room for three such texts (a call, its context, a result): SQLite keeps a thousand million in it."""

PICKLED = "pickle:"
"""Begins the text of what was pickled."""

_SCALARS = frozenset({str, int, float, bool, type(None)})
_STR = frozenset({str})

# Integers above 2000 bits (603 digits) are stored as hex, because int() of a long decimal text fails above a limit that
# each process can set (640 digits at the least). So many digits in a row show as 37 in every sixteenth character.
_DIGITS_OF_A_LONG_INT = 603
_SAMPLE_EVERY = 16
_SAMPLED_LONG_INT = f"[0-9]{{{_DIGITS_OF_A_LONG_INT // _SAMPLE_EVERY}}}"  # compiled when the first long text comes


def encode_call(args: tuple[object, ...], kwargs: dict[str, object], *, serializer: str = "json", task: str = "") -> str:
    """The text of one call, for ``decode_call()``.

    Raises ``EncodingError`` if an argument wouldn't come back exactly; the message names the argument (positions count
    from 1), the path into it, the task, and what to write instead.
    """
    if serializer == "json":
        try:
            text = _plain_text((args, kwargs)) if _is_plain_call(args, kwargs) else None
            text = text or _tagged_call(args, kwargs, task)
        except RecursionError:
            raise _too_deep(f"a call of {task}" if task else "a call") from None
    else:
        _require_pickle(serializer)
        from autocron.codec import pickled

        text = pickled.encode_call(args, kwargs, task)
    if len(text) > LONGEST_TEXT // 4:
        refuse_too_large(text, f"the arguments of {task or 'a call'}", "pass")
    return text


def decode_call(text: str) -> tuple[tuple[object, ...], dict[str, object]]:
    """The arguments that ``encode_call()`` wrote; raises ``DecodingError`` for any other text."""
    args, kwargs = _pair(text, _parse(text))
    if (type(args), type(kwargs)) != (list, dict) or not _STR.issuperset(map(type, kwargs)):
        raise _unreadable(text, "it doesn't hold a list of positional and a dict of keyword arguments")
    return tuple(args), kwargs


def encode_value(value: object, *, serializer: str = "json", what: str = "the result") -> str:
    """The text of one value, for ``decode_value()``; ``what`` names it in the ``EncodingError``."""
    if serializer == "json":
        try:
            text = _plain_text(value) if _is_plain(value, MAX_DEPTH) else None
            text = text or _tagged_value(value, what)
        except RecursionError:
            raise _too_deep(what) from None
    else:
        _require_pickle(serializer)
        from autocron.codec import pickled

        text = pickled.encode_value(value, what)
    if len(text) > LONGEST_TEXT // 4:
        refuse_too_large(text, what)
    return text


def refuse_too_large(text: str, what: str, verb: str = "return") -> None:
    """Raises ``TooLargeError`` for a text of more than ``LONGEST_TEXT`` bytes."""
    size = len(text) if text.isascii() else len(text.encode())
    if size > LONGEST_TEXT:
        raise TooLargeError(
            f"{what}: {size:,} bytes as text, and {LONGEST_TEXT:,} can be stored; keep it elsewhere (a file, a table of "
            f"your own) and {verb} what finds it there: a path, a key"
        )


def decode_value(text: str) -> object:
    """The value that ``encode_value()`` wrote; raises ``DecodingError`` for a damaged text."""
    return _parse(text)


def is_pickled(text: str) -> bool:
    """Whether a stored text says of itself that it is a pickle."""
    return text.startswith(PICKLED)


def call_key(text: str) -> str:
    """A digest (32 hex digits) of an encoded call: equal calls have equal keys.

    Neither the order of keyword arguments nor that of dicts and sets matters. Types do, and so does how a number is
    written: ``1``, ``1.0``, ``True`` and ``Decimal(1)`` differ, as do ``0.0`` and ``-0.0``, ``Decimal("1.0")`` and
    ``Decimal("1.00")``, and one instant in two time zones. A NaN equals itself.

    An argument that only pickle could store is compared by its pickle, which may differ between equal objects: a task
    with such arguments should name its own ``unique`` key. Raises ``DecodingError``.
    """
    from hashlib import blake2b  # loads OpenSSL: only for applications that use unique jobs

    if is_pickled(text):
        args, kwargs = decode_call(text)
        call = [[_value_key(value) for value in args], {name: _value_key(kwargs[name]) for name in kwargs}]
    else:
        call = _pair(text, _parse(text, in_order=True))
    try:
        canonical = _sorted_json(call)
    except RecursionError as error:
        raise _unreadable(text, "it is nested too deep") from error
    return blake2b(canonical.encode(), digest_size=16).hexdigest()


def _value_key(value: object) -> object:
    try:
        return _parse(encode_value(value), in_order=True)
    except EncodingError:
        from autocron.codec import pickled

        return {"$pickle": pickled.encode_value(value, "an argument")}


# The fast path: ordinary calls are checked by type, written by the C encoder, and the text is looked over once.


def _is_plain_call(args: tuple[object, ...], kwargs: dict[str, object]) -> bool:
    return _are_plain(args, MAX_DEPTH) and (not kwargs or _is_plain(kwargs, MAX_DEPTH + 1))


def _is_plain(value: Any, levels: int) -> bool:
    """Whether JSON has a word for every type in the value, down to this many levels of containers."""
    kind: type = type(value)
    if kind in _SCALARS:
        return True
    if kind is list:
        items: Iterable[object] = value
    elif kind is dict and _STR.issuperset(map(type, value)):
        items = value.values()
    else:
        return False
    return levels > 0 and _are_plain(items, levels - 1)


def _are_plain(values: Iterable[object], levels: int) -> bool:
    if not _SCALARS.issuperset(map(type, values)):
        for value in values:
            if type(value) not in _SCALARS and not _is_plain(value, levels):
                return False
    return True


def _plain_text(value: object) -> str | None:
    """The JSON of a value of plain types; None if a part of it must be tagged all the same."""
    try:
        text = _json(value)
    except ValueError:  # nan, inf, an integer above the digit limit
        return None
    if '"$' in text:  # a key that looks like a tag, perhaps
        return None
    if not text.isascii() and not is_storable(text):
        return None
    if len(text) >= _DIGITS_OF_A_LONG_INT and re.search(_SAMPLED_LONG_INT, text[::_SAMPLE_EVERY]):
        return None
    return text


def is_storable(text: str) -> bool:
    """Whether UTF-8, and so the database, can hold the text: lone surrogates can't be stored."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _tagged_call(args: tuple[object, ...], kwargs: dict[str, object], task: str) -> str:
    from autocron.codec.writers import tag_call

    return _json(tag_call(args, kwargs, task))


def _tagged_value(value: object, what: str) -> str:
    from autocron.codec.writers import tag_value

    return _json(tag_value(value, what))


def _too_deep(what: str) -> EncodingError:
    return EncodingError(f"{what} is nested too deep for what is left of Python's stack: pass a flatter structure")


def _require_pickle(serializer: str) -> None:
    if serializer != "pickle":
        raise ConfigurationError(f'serializer={serializer!r} is not known: write serializer="json" or serializer="pickle"')


# JSON itself


def _make_encoder() -> Callable[[object], str]:
    public = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":")).encode
    # JSONEncoder.encode() makes a new C encoder for every call, which takes twice as long as the encoding itself.
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    try:
        encode = make(None, None, json.encoder.encode_basestring, None, ":", ",", False, False, False)
        encode([""], 0)
    except TypeError:  # a Python without it, or where it takes other arguments
        return public
    return lambda value: "".join(encode(value, 0))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_json = _make_encoder()
_sorted_json = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_plain_decoder = json.JSONDecoder(parse_constant=_refuse_constant)


@functools.cache
def _tag_decoder(*, in_order: bool) -> json.JSONDecoder:
    from autocron.codec.readers import sort_members, untag

    return json.JSONDecoder(parse_constant=_refuse_constant, object_hook=sort_members if in_order else untag)


def _parse(text: str, *, in_order: bool = False) -> Any:
    """The value; or, ``in_order``, the JSON with what has no order in an order that depends only on it."""
    try:
        if is_pickled(text):
            from autocron.codec import pickled

            return pickled.decode(text)
        decoder = _tag_decoder(in_order=in_order) if '"$' in text else _plain_decoder
        value, end = decoder.raw_decode(text)
    except Exception as error:  # hostile text makes the constructors of dates, decimals, zones ... fail in many ways
        raise _unreadable(text, f"{type(error).__name__}: {error}") from error
    if end != len(text):
        raise _unreadable(text, f"it goes on after its end at character {end}")
    return value


def _pair(text: str, value: Any) -> Any:
    kind: type = type(value)
    if kind is not list or len(value) != 2:
        raise _unreadable(text, "it is not a pair of positional and keyword arguments")
    return value


def _unreadable(text: str, cause: str) -> DecodingError:
    return DecodingError(
        f"the stored text {text!r:.80} can't be decoded ({cause}): it was damaged, or written by a newer autocron or by "
        "code that isn't installed here; bring this process up to date, or delete the job"
    )
