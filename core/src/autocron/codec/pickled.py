"""Pickle mode: ``pickle:`` and base64. Only for applications that ask for it, since reading a pickle can run any code."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from typing import Any

from autocron.codec import PICKLED
from autocron.codec.refusals import type_name
from autocron.errors import EncodingError


def encode_call(args: tuple[object, ...], kwargs: dict[str, object], task: str) -> str:
    """The text of one call; raises ``EncodingError`` naming the first argument that can't be pickled."""
    owner = f" of {task}" if task else ""
    try:
        return _text([list(args), kwargs])
    except Exception as error:  # __reduce__ and __getstate__ are the application's code
        for place, value in enumerate(args, 1):
            _require_picklable(value, f"argument {place}{owner}")
        for name, value in kwargs.items():
            _require_picklable(value, f"argument {name}{owner}")
        raise EncodingError(f"the arguments{owner} can't be pickled together ({_cause(error)})") from error


def encode_value(value: object, what: str) -> str:
    """The text of one value; raises ``EncodingError`` if it can't be pickled."""
    try:
        return _text(value)
    except Exception as error:
        raise _refusal(value, what, error) from error


def decode(text: str) -> Any:
    """What was pickled; raises anything."""
    import pickle  # only for applications in pickle mode, as below

    return pickle.loads(a2b_base64(text.removeprefix(PICKLED), strict_mode=True))


def _text(value: object) -> str:
    import pickle

    return PICKLED + b2a_base64(pickle.dumps(value, protocol=5), newline=False).decode()


def _require_picklable(value: object, what: str) -> None:
    try:
        _text(value)
    except Exception as error:
        raise _refusal(value, what, error) from error


def _refusal(value: object, what: str, error: Exception) -> EncodingError:
    return EncodingError(
        f"{what} is a {type_name(type(value))} that can't be pickled ({_cause(error)}): pass its id or its parts, and make it "
        "again in the task"
    )


def _cause(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
