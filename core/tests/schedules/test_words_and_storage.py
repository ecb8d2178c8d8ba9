"""Schedules in words, as text for the store, explained; and the machine's time zone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schedule_oracle import Seeded, random_meaning

from autocron import schedules
from autocron.errors import ScheduleError
from autocron.schedules import Schedule, cron, explain, from_json, interval, system_timezone, zones

START = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("30 9 * * mon,wed", "At 09:30 on Monday and Wednesday"),
        ("0 2 * * *", "At 02:00"),
        ("15,30 7 * * *", "At 07:15 and 07:30"),
        ("* * * * *", "Every minute"),
        ("*/5 * * * *", "Every 5 minutes"),
        ("0 * * * *", "At minute 0 of every hour"),
        ("1,2,3,7 * * * *", "At minutes 1 to 3 and 7 of every hour"),
        ("*/15 9-17 * * *", "Every 15 minutes of the hours 9 to 17"),
        ("* 2 * * *", "Every minute of the hour 2"),
        ("30 */2 * * *", "At minute 30 of every 2nd hour"),
        ("*/10 * * * * *", "Every 10 seconds"),
        ("* * * * * *", "Every second"),
        ("5 * * * * *", "At second 5 of every minute"),
        ("15 30 9 * * *", "At 09:30:15"),
        ("0 9 10-15 4,7 mon", "At 09:00 on Monday and on the 10th to 15th of the month, in April and July"),
        ("0 0 * * fri-mon", "At 00:00 on Friday to Monday"),
        ("0 0 L * *", "At 00:00 on the last day of the month"),
        ("0 0 3rd fri 6-8 *", "At 00:00 on the 3rd Friday of the month in June to August"),
        ("0 0 1 * */4", "At 00:00 on the 1st of the month if that is a Thursday or a Sunday"),
        ("* * * 12 *", "Every minute in December"),
    ],
)
def test_a_schedule_says_itself_in_english(expression: str, words: str) -> None:
    assert cron(expression, dialect="unix", timezone="Europe/Berlin").words() == f"{words} (Europe/Berlin)"


def test_bounds_years_intervals_and_dates_say_themselves() -> None:
    bounded = cron(
        hours=1,
        years=[2027, 2028, 2029],
        timezone="UTC",
        start_date="2027-01-01",
        end_date="2027-02-01T12:00:05",
    )
    assert bounded.words() == "At 01:00 in 2027 to 2029, from 2027-01-01 00:00, until 2027-02-01 12:00:05 (UTC)"
    assert interval(hours=1).words() == "Every hour"
    assert interval(minutes=90, start_now=True).words() == "Every 1 hour and 30 minutes, starting at once"
    assert interval(seconds=2.5).words() == "Every 2.5 seconds"
    started = interval(days=14, start_date="2027-01-01", timezone="UTC")
    assert started.words() == "Every 2 weeks, from 2027-01-01 00:00 (UTC)"
    once = schedules.date("2027-01-01T00:00", timezone="Europe/Berlin")
    assert once.words() == "Once, on Friday 1 January 2027 at 00:00 (Europe/Berlin)"


def random_schedule(random: Random) -> Schedule:
    zone = random.choice(("UTC", "Europe/Berlin"))
    kind = random.random()
    if kind < 0.2:
        return interval(seconds=random.randint(1, 3), start_now=random.random() < 0.5, timezone=zone)
    if kind < 0.3:
        return schedules.date(datetime(2027, 1, random.randint(1, 3)), timezone=zone)
    meaning = random_meaning(random)
    try:
        return cron(meaning.text, dialect=meaning.dialect, timezone=zone)
    except ScheduleError:
        return cron(seconds=random.choice((0, [0, 30])), years=random.choice((None, 2027)), timezone=zone)


@settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(random=st.builds(Seeded, st.integers(0, 2**64)))
def test_g43_equal_schedules_and_only_they_have_equal_texts(random: Random) -> None:
    one, other = random_schedule(random), random_schedule(random)
    assert from_json(one.to_json()) == one
    assert hash(from_json(one.to_json())) == hash(one)
    assert (one == other) == (one.to_json() == other.to_json())


def test_g43_the_stored_text_stays_as_it_is() -> None:
    # A change here makes every stored schedule look changed: do it on purpose only.
    assert interval(seconds=60, timezone="UTC").to_json() == (
        '{"end":null,"every":60000000,"kind":"interval","start":null,"start_now":false,"timezone":"UTC"}'
    )
    assert (
        cron("30 9 0,2 1 *", timezone="UTC")
        .to_json()
        .startswith('{"days":{"weekdays":[0,2]},"end":null,"hours":[9],"kind":"cron","minutes":[30],"months":[1],')
    )
    assert schedules.date("2027-01-01", timezone="UTC").to_json() == f'{{"kind":"date","moment":{START},"timezone":"UTC"}}'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "5",
        '{"kind":"moon"}',
        '{"kind":"cron"}',
        '{"kind":"date","moment":"x","timezone":"UTC"}',
    ],
)
def test_a_damaged_stored_schedule_is_refused_with_words(text: str) -> None:
    with pytest.raises(ScheduleError, match="stored schedule"):
        from_json(text)


def test_a_stored_schedule_of_an_unknown_zone_says_so() -> None:
    text = schedules.date("2027-01-01", timezone="UTC").to_json().replace("UTC", "Mars/Base")
    with pytest.raises(ScheduleError, match="tzdata"):
        from_json(text)


def test_explain_gives_words_and_runs_with_their_offsets() -> None:
    assert explain("30 9 * * *", timezone="Europe/Berlin", start=START, count=2) == {
        "expression": "30 9 * * *",
        "words": "At 09:30 (Europe/Berlin)",
        "runs": ["2027-01-01T09:30:00+01:00", "2027-01-02T09:30:00+01:00"],
    }


def test_explain_reports_errors_and_double_meanings() -> None:
    assert set(explain("nonsense")) == {"expression", "error"}
    assert "Mars" in explain("* * * * *", timezone="Mars/Base")["error"]
    assert "two ways" in explain("0 0 1 * *", start=START)["warning"]
    assert "warning" not in explain("0 0 1 * *", dialect="unix", start=START)
    assert explain("0 0 29 2 *", dialect="unix", start=START, count=1)["runs"][0].startswith("2028-02-29")


@pytest.mark.parametrize("name", ["europe/berlin", "Berlin", "Europe/Berln"])
def test_an_unknown_zone_is_refused_with_a_guess(name: str) -> None:
    with pytest.raises(ScheduleError, match=r'did you mean "Europe/Berlin"\?.*tzdata'):
        cron("* * * * *", timezone=name)


@pytest.mark.parametrize("name", ["Mars/Base", "Europe", "", "../etc/passwd", "/etc/localtime", 5])
def test_an_unusable_zone_is_refused_with_the_remedy(name: Any) -> None:
    with pytest.raises(ScheduleError, match=r"timezone=.*Europe/Berlin"):
        cron("* * * * *", timezone=name)


@pytest.mark.parametrize(
    ("variable", "file", "link", "expected"),
    [
        ("Europe/Berlin", "Asia/Tokyo", "America/New_York", "Europe/Berlin"),
        (":Europe/Berlin", None, None, "Europe/Berlin"),
        ("/usr/share/zoneinfo/Europe/Berlin", None, None, "Europe/Berlin"),
        ("", "Asia/Tokyo", None, "UTC"),
        ("CET-1CEST,M3.5.0,M10.5.0", "Asia/Tokyo", None, "Asia/Tokyo"),
        (None, "Asia/Tokyo\n", "America/New_York", "Asia/Tokyo"),
        (None, "", "America/New_York", "America/New_York"),
        (None, None, "America/New_York", "America/New_York"),
        (None, None, None, "UTC"),
    ],
)
def test_the_machines_zone_is_found(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    variable: str | None,
    file: str | None,
    link: str | None,
    expected: str,
) -> None:
    monkeypatch.delenv("TZ", raising=False)
    if variable is not None:
        monkeypatch.setenv("TZ", variable)
    monkeypatch.setattr(zones, "TIMEZONE_FILE", tmp_path / "timezone")
    monkeypatch.setattr(zones, "LOCALTIME_LINK", tmp_path / "localtime")
    if file is not None:
        (tmp_path / "timezone").write_text(file)
    if link is not None:
        (tmp_path / "localtime").symlink_to(f"/usr/share/zoneinfo/{link}")
    assert system_timezone() == expected
    assert cron("* * * * *").timezone == expected
