"""Whatever is typed: the command does it or says what is wrong, with one of three exit statuses, and never a traceback."""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
from pathlib import Path

import pytest
from command import Filled
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from autocron import cli
from autocron.cli.parser import make_parser

ENDLESS = {"supervise", "watch"}
VALUES = ["0", "-1", "1e400", "on", "workers=2", "=", "default", "shop.mail", "error", "newest", "\udcff"]


TEXTS = st.one_of(st.text(max_size=12), st.binary(max_size=6).map(os.fsdecode)).filter(lambda text: "\0" not in text)

VALUE = st.one_of(st.sampled_from(VALUES), TEXTS)


def words_of(parser: argparse.ArgumentParser) -> st.SearchStrategy[list[str]]:
    """Its flags with values, and values alone, in any order: often what it understands, sometimes not."""
    pieces: list[st.SearchStrategy[list[str]]] = [VALUE.map(lambda value: [value])]
    for action in parser._actions:
        if isinstance(action.choices, dict) or "--help" in action.option_strings:
            continue
        value = VALUE if action.choices is None else st.one_of(st.sampled_from(sorted(action.choices)), VALUE)
        for option in action.option_strings:
            flag = [option]
            pieces.append(st.just(flag) if action.nargs == 0 else value.map(lambda value, flag=flag: [*flag, value]))
        if not action.option_strings:
            pieces.append(value.map(lambda value: [value]))
    return st.lists(st.one_of(pieces), max_size=4).map(lambda found: [word for piece in found for word in piece])


def command_lines() -> st.SearchStrategy[list[str]]:
    parser = make_parser()
    (commands,) = [action.choices for action in parser._actions if isinstance(action.choices, dict)]
    of_commands = [
        words_of(each).map(lambda words, name=name: [name, *words]) for name, each in commands.items() if name not in ENDLESS
    ]
    return st.one_of(words_of(parser), *of_commands)


@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # a long line that fails says enough
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(words=command_lines(), known=st.booleans(), name=TEXTS, typed=st.text(max_size=20))
def test_arguments_at_random_end_with_one_of_three_statuses(
    words: list[str],
    known: bool,
    name: str,
    typed: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    filled = Filled(Path(tempfile.mkdtemp(dir=tmp_path)) / "jobs.db")
    filled.add()
    filled.failed()
    status = cli.main([str(filled.path) if known else name, *words])
    assert status in (0, 1, 2)
    if status == 2:
        assert err.getvalue(), "wrong usage is explained"
    assert "Traceback (most recent call last)" not in err.getvalue()
    filled.store.close()
