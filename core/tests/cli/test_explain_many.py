"""``autocron explain -``: a whole crontab in one go."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from command import run

FROM = ["--from", "2027-03-01T00:00", "--timezone", "Europe/Berlin"]


def crontab(lines: int) -> list[str]:
    """Expressions that differ, in crontab(5)'s order."""
    return [f"{number % 60} {number % 24} {number % 28 + 1} {number % 12 + 1} *" for number in range(lines)]


def test_each_line_is_an_object_with_its_words_and_runs_or_its_error() -> None:
    typed = "30 9 * * mon,wed\n@hourly\n\n  */15 * * * *  \n61 * * * *\n0 0 31 2 *\nnonsense\n"
    ended = run("explain", "-", "--json", "--dialect", "unix", "--count", "3", *FROM, typed=typed)
    assert ended.status == 1  # some can't be read
    assert ended.err == ""
    found = ended.json
    assert [each["expression"] for each in found] == [line.strip() for line in typed.splitlines() if line.strip()]
    assert [set(each) for each in found] == [{"expression", "words", "runs"}] * 3 + [{"expression", "error"}] * 3
    assert found[0]["words"] == "At 09:30 on Monday and Wednesday (Europe/Berlin)"
    assert found[0]["runs"] == ["2027-03-01T09:30:00+01:00", "2027-03-03T09:30:00+01:00", "2027-03-08T09:30:00+01:00"]
    assert "61" in found[3]["error"]


def test_runs_carry_the_offset_of_their_moment() -> None:
    ended = run("explain", "-", "--json", "--dialect", "unix", "--count", "60", *FROM, typed="0 12 * * *\n")
    assert ended.status == 0
    (noon,) = ended.json
    runs = [datetime.fromisoformat(text) for text in noon["runs"]]
    assert len(runs) == 60
    assert {moment.utcoffset() for moment in runs} == {timedelta(hours=1), timedelta(hours=2)}
    assert {moment.hour for moment in runs} == {12}
    assert all((later - earlier).days <= 1 for earlier, later in pairwise(runs))


def test_a_thousand_expressions_are_explained_in_one_go() -> None:
    given = crontab(1000)
    ended = run("explain", "-", "--json", "--dialect", "unix", "--count", "2", *FROM, typed="\n".join(given))
    assert ended.status == 0
    assert [each["expression"] for each in ended.json] == given
    for each in ended.json:
        minute, hour, day, month, _ = map(int, each["expression"].replace("*", "0").split())
        for moment in map(datetime.fromisoformat, each["runs"]):
            assert (moment.minute, moment.hour, moment.day, moment.month) == (minute, hour, day, month)
            assert moment.utcoffset() is not None


def test_nothing_on_standard_input_is_an_empty_list() -> None:
    ended = run("explain", "-", "--json", typed="")
    assert (ended.status, ended.json) == (0, [])
