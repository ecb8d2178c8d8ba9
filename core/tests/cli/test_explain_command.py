"""``autocron explain``."""

from __future__ import annotations

from command import Filled, fine, run


def test_an_expression_is_told_in_words_with_its_next_runs() -> None:
    ended = fine("explain", "30 9 0,2 * *", "--from", "2027-01-01T00:00", "--timezone", "Europe/Berlin", "--count", "2")
    assert ended.out.splitlines()[2:] == ["  2027-01-04T09:30:00+01:00", "  2027-01-06T09:30:00+01:00"]
    assert "Monday and Wednesday" in ended.out


def test_quotes_may_be_forgotten_and_a_database_may_stand_first(filled: Filled) -> None:
    for arguments in (["explain", "30", "9", "0,2", "1", "1"], [filled.path, "explain", "30 9 0,2 1 1"]):
        (explained,) = fine(*arguments, "--json").json
        assert explained["expression"] == "30 9 0,2 1 1"


def test_json_is_a_list_of_explanations_one_for_each_line() -> None:
    ended = run("explain", "-", "--json", "--dialect", "unix", "--count", "1", typed="@daily\n\n61 * * * *\n0 0 * * 7\n")
    assert ended.status == 1
    daily, wrong, sunday = ended.json
    assert set(daily) == {"expression", "words", "runs"}
    assert len(daily["runs"]) == 1
    assert set(wrong) == {"expression", "error"}
    assert "61" in wrong["error"]
    assert "Sunday" in sunday["words"]


def test_what_two_dialects_read_differently_is_warned_about() -> None:
    (explained,) = fine("explain", "0 9 1 * *", "--json").json
    assert "dialect" in explained["warning"]
    assert "warning" in fine("explain", "0 9 1 * *").out


def test_a_moment_that_is_none_is_a_usage_error() -> None:
    ended = run("explain", "* * * * *", "--from", "tomorrow")
    assert ended.status == 2
    assert "--from='tomorrow' is no date" in ended.err
    assert run("explain", "* * * * *", "--timezone", "Europe/Atlantis").status == 1
