"""Reading expressions and keywords: what each means, and what the errors say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from autocron.errors import ScheduleError
from autocron.schedules import ambiguity, cron


def runs(count: int = 3, /, *arguments: str, start: str = "2027-01-01T00:00", **options: Any) -> list[str]:
    """The next slots after a moment, in UTC."""
    schedule = cron(*arguments, timezone="UTC", **options)
    slot = schedule.next_after(int(datetime.fromisoformat(start).replace(tzinfo=UTC).timestamp()) * 1_000_000)
    found: list[str] = []
    while slot is not None and len(found) < count:
        found.append(f"{datetime.fromtimestamp(slot // 1_000_000, UTC):%a %Y-%m-%d %H:%M:%S}".removesuffix(":00"))
        slot = schedule.next_after(slot)
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("30 9 0,2 * *", ["Mon 2027-01-04 09:30", "Wed 2027-01-06 09:30", "Mon 2027-01-11 09:30"]),
        ("* 2 * * *", ["Fri 2027-01-01 02:00", "Sat 2027-01-02 02:00", "Sun 2027-01-03 02:00"]),
        ("* * * * *", ["Fri 2027-01-01 00:01", "Fri 2027-01-01 00:02", "Fri 2027-01-01 00:03"]),
        ("15,30 7 * * *", ["Fri 2027-01-01 07:15", "Fri 2027-01-01 07:30", "Sat 2027-01-02 07:15"]),
        ("* 9 0 4,7 10-15", ["Mon 2027-04-05 09:00", "Sat 2027-04-10 09:00", "Sun 2027-04-11 09:00"]),
    ],
)
def test_g40_the_documented_examples_mean_what_their_comments_say(expression: str, expected: list[str]) -> None:
    assert runs(3, expression) == expected


def test_g40_the_documented_keywords_mean_the_documented_expression() -> None:
    assert cron(minutes=[30], hours=[9], dow=[0, 2]) == cron("30 9 0,2 * *")
    assert cron("30 9 * * mon,wed", dialect="unix") == cron("30 9 0,2 * *")
    assert cron(crontab="15,30 7 * * *") == cron("15,30 7 * * *")


def test_g40_keywords_written_as_for_apscheduler_are_understood() -> None:
    assert runs(5, months="6-8,11-12", days="3rd fri", hours="0-3", minutes=0) == [
        *(f"Fri 2027-06-18 0{hour}:00" for hour in range(4)),
        "Fri 2027-07-16 00:00",
    ]
    assert cron(days="last") == cron(dom="L")
    assert runs(1, days="last sun", hours=1) == ["Sun 2027-01-31 01:00"]


def test_star_minutes_mean_minute_0_in_the_default_dialect_once_hours_are_restricted() -> None:
    assert cron("* 2 * * *") == cron("0 2 * * *") == cron(hours=2) == cron(hours=[2], minutes="*")
    assert cron("* */2 * * *") == cron("0 */2 * * *")
    assert cron("*/1 2 * * *") == cron("0-59 2 * * *") == cron("* 2 * * *", dialect="unix")
    assert runs(2, "* * 0 * *") == ["Mon 2027-01-04 00:00", "Mon 2027-01-04 00:01"]
    assert runs(2, dow="mon") == ["Mon 2027-01-04 00:00", "Mon 2027-01-04 00:01"]


def test_keywords_left_out_are_star_and_seconds_are_0() -> None:
    assert cron() == cron("* * * * *")
    assert cron(minutes=range(0, 60, 15)) == cron("*/15 * * * *")
    assert runs(2, minutes=5, seconds=[0, 30]) == ["Fri 2027-01-01 00:05", "Fri 2027-01-01 00:05:30"]
    assert runs(2, dom=[1, "last"], hours=0, start="2027-01-02") == [
        "Sun 2027-01-31 00:00",
        "Mon 2027-02-01 00:00",
    ]
    assert cron(days_of_week={"mon", 6}, hours=1) == cron(dow="sun,mon", hours=1)


def test_a_schedule_with_years_ends_with_them() -> None:
    assert runs(3, years=[2027, 2029], months=1, dom=5, hours=8) == [
        "Tue 2027-01-05 08:00",
        "Fri 2029-01-05 08:00",
    ]
    assert runs(3, years=2020) == []


def test_start_date_and_end_date_are_inclusive() -> None:
    at_nine: dict[str, Any] = {
        "hours": 9,
        "start_date": "2027-02-01T09:00",
        "end_date": datetime(2027, 2, 3, 9, 0),
    }
    assert runs(9, **at_nine) == ["Mon 2027-02-01 09:00", "Tue 2027-02-02 09:00", "Wed 2027-02-03 09:00"]
    at_nine["end_date"] = "2027-02-02"  # a day without a time is meant as a whole
    assert runs(9, **at_nine) == ["Mon 2027-02-01 09:00", "Tue 2027-02-02 09:00"]
    with pytest.raises(ScheduleError, match="end_date='2027-01-01' is before start_date"):
        cron("* * * * *", start_date="2027-02-01", end_date="2027-01-01")


def test_weekday_and_day_both_restricted_either_suffices() -> None:
    assert runs(3, "0 0 13 * fri", dialect="unix") == [
        "Fri 2027-01-08 00:00",
        "Wed 2027-01-13 00:00",
        "Fri 2027-01-15 00:00",
    ]
    assert runs(3, "0 0 fri * 13") == runs(3, "0 0 13 * fri", dialect="unix")


def test_a_day_field_that_starts_with_a_star_is_unrestricted_in_unix() -> None:
    assert runs(2, "0 0 */2 * mon", dialect="unix") == ["Mon 2027-01-11 00:00", "Mon 2027-01-25 00:00"]
    assert cron("0 0 1-31 * mon", dialect="unix") == cron("0 0 * * *")
    assert cron("0 0 mon * */1") == cron("0 0 mon * *")
    assert runs(3, "0 0 mon * */30") == [
        "Mon 2027-01-04 00:00",
        "Mon 2027-01-11 00:00",
        "Mon 2027-01-18 00:00",
    ]
    assert "Sun 2027-01-31 00:00" in runs(6, "0 0 mon * */30")


def test_unix_weekdays_count_from_sunday_which_is_0_and_7() -> None:
    for sunday in ("0", "7", "sun", "SUN", "Sunday", "7-7"):
        assert cron(f"0 0 * * {sunday}", dialect="unix") == cron("0 0 6 * *")
    assert cron("0 0 * * 5-7", dialect="unix") == cron("0 0 4-6 * *")
    assert cron("0 0 * * 0-7", dialect="unix") == cron("0 0 * * *")


def test_ranges_of_weekdays_months_and_hours_wrap_around() -> None:
    assert cron("0 0 fri-mon * *") == cron("0 0 4,5,6,0 * *") == cron("0 0 * * fri-mon", dialect="unix")
    assert cron("0 0 * * 7-2", dialect="unix") == cron("0 0 6,0,1 * *")
    assert cron("0 0 * * sat-sun", dialect="unix") == cron("0 0 5,6 * *")
    assert cron("0 22-2/2 * nov-feb *") == cron("0 22,0,2 * 11,12,1,2 *")


def test_a_sixth_field_in_front_is_seconds_in_unix() -> None:
    assert runs(2, "*/20 * * * * *", dialect="unix") == ["Fri 2027-01-01 00:00:20", "Fri 2027-01-01 00:00:40"]
    assert cron("0 30 9 * * *", dialect="unix") == cron("30 9 * * *")


@pytest.mark.parametrize(
    ("macro", "same"),
    [
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
    ],
)
def test_macros_stand_for_their_expression_in_unix(macro: str, same: str) -> None:
    assert cron(macro, dialect="unix") == cron(same, dialect="unix")


def test_days_named_by_their_place_work_in_both_day_fields() -> None:
    third_friday = cron("0 9 * * 3rd fri")
    for text in ("0 9 3rd fri * *", "0 9 * * fri#3", "0 9 * * 5#3"):
        assert cron(text, dialect="unix") == third_friday
    assert cron("0 9 4#3 * *") == third_friday
    assert cron("0 9 * * friL", dialect="unix") == cron("0 9 * * last fri") == cron("0 9 last fri * *")
    assert cron("0 9 1st mon,3rd fri * *") == cron("0 9 * * 1st mon,3rd fri")
    assert runs(3, "0 0 L * *", dialect="unix") == [
        "Sun 2027-01-31 00:00",
        "Sun 2027-02-28 00:00",
        "Wed 2027-03-31 00:00",
    ]


@pytest.mark.parametrize(
    ("expression", "options", "says"),
    [
        ("30 9 * * mon", {}, ["'mon' is no day of the month (field 5)", 'dialect="unix"']),
        ("30 9 0,2 * *", {"dialect": "unix"}, ["'0' is no day of the month (field 3)", 'dialect="autocron"']),
        ("60 * * * *", {}, ["'60' is no minute (field 1)", "0 to 59"]),
        ("* 24 * * *", {}, ["'24' is no hour (field 2)", "0 to 23"]),
        (
            "* * 7 * *",
            {},
            ["'7' is no day of the week (field 3)", "0 (Monday) to 6 (Sunday)", 'dialect="unix"'],
        ),
        ("* * * 13 *", {}, ["'13' is no month (field 4)", "jan to dec"]),
        ("* * * * 32", {}, ["'32' is no day of the month (field 5)"]),
        ("0 0 * * 8", {"dialect": "unix"}, ["'8' is no day of the week (field 5)", "0 or 7 (Sunday)"]),
        ("61 * * * * *", {"dialect": "unix"}, ["'61' is no second (field 1)"]),
        ("0 0 ? * *", {"dialect": "unix"}, ["'?' is no day of the month (field 3)", "write * for any"]),
        ("5/15 * * * *", {}, ["'5/15'", "(field 1)", "'5-59/15'"]),
        ("*/0 * * * *", {}, ["minute '*/0' has no usable step (field 1)", "1 to 60"]),
        ("*/90 * * * *", {}, ["'*/90'", "periodic(minutes=90)"]),
        ("50-10 * * * *", {}, ["minute '50-10' runs backwards (field 1)", "'50-59,0-10'"]),
        ("0 0 * * 28-3", {}, ["day of the month '28-3' runs backwards (field 5)", "'28-31,1-3'"]),
        ("1,,2 * * * *", {}, ["'1,,2' has an empty item (field 1)"]),
        ("1-x * * * *", {}, ["'x' in '1-x' is no minute (field 1)"]),
        ("-5 * * * *", {}, ["'' in '-5' is no minute (field 1)"]),
        ("0 0 * * L", {"dialect": "unix"}, ["'L' is no day of the week (field 5)", "last fri"]),
        ("0 0 * * fri#6", {"dialect": "unix"}, ["'fri#6' is no day of the week (field 5)", "fri#5"]),
        ("* * * *", {}, ["has 4 fields, not five", "minutes hours weekdays months days"]),
        ("", {}, ["has 0 fields"]),
        ("*/5 * * * * *", {}, ["has 6 fields", 'dialect="unix"']),
        ("* * * * * * *", {"dialect": "unix"}, ["has 7 fields", "six with seconds in front"]),
        ("@daily", {}, ['dialect="unix"']),
        ("@reboot", {"dialect": "unix"}, ["'@reboot' names no moment"]),
        ("@often", {"dialect": "unix"}, ["'@often' is no known schedule", "@daily"]),
        (
            "0 0 31 2 *",
            {"dialect": "unix"},
            ["never comes", "'31' (field 3) and '2' (field 4)", "L for the last day"],
        ),
        ("0 0 * 2,4 31", {}, ["never comes", "'31' (field 5) and '2,4' (field 4)"]),
        (
            "0 0 30,31 feb *",
            {"dialect": "unix"},
            ["never comes", "the 30th and 31st of the month, in February"],
        ),
        ("0 0 * * *", {"dialect": "posix"}, ["dialect='posix' is unknown"]),
        (5, {}, ["5 is no cron expression"]),
        (None, {"dow": "xyz"}, ["'xyz' is no day of the week (dow)"]),
        (None, {"days_of_week": 9}, ["'9' is no day of the week (days_of_week)"]),
        (None, {"days": 40}, ["'40' is no day of the month (days)"]),
        (None, {"years": 1812}, ["'1812' is no year (years)"]),
        (None, {"minutes": True}, ["True (minutes)"]),
        (None, {"hours": 1.5}, ["1.5 (hours)"]),
        (None, {"hours": []}, ["hours=[] is empty"]),
        (None, {"hours": ""}, ["is no hour (hours)"]),
        (None, {"dom": 29, "months": 2, "years": [2027, 2100]}, ["never comes", "2027 and 2100"]),
        (None, {"dom": 1, "days": 2}, ["dom and days are the same field"]),
        ("* * * * *", {"hours": 1}, ["hours="]),
        ("* * * * *", {"crontab": "* * * * *"}, ["expression and crontab"]),
    ],
)
def test_an_error_names_the_field_the_value_and_the_remedy(expression: Any, options: dict[str, Any], says: list[str]) -> None:
    with pytest.raises(ScheduleError) as caught:
        cron(expression, **options)
    for words in says:
        assert words in str(caught.value)


def test_an_expression_of_two_meanings_is_warned_about_with_both_readings() -> None:
    warning = ambiguity("0 0 1 * *")
    assert warning is not None
    for words in (
        "'0 0 1 * *'",
        "At 00:00 on Tuesday.",
        "on the 1st of the month",
        'dialect="unix"',
        'dialect="autocron"',
    ):
        assert words in warning
    assert ambiguity("30 9 1-5 * *") is not None
    assert ambiguity("0 0 * * 5") is not None
    assert ambiguity("0 0 */2 * *") is not None


@pytest.mark.parametrize(
    "expression",
    [
        "* 2 * * *",  # only days are warned about
        "30 9 0,2 * *",  # unix has no day 0
        "30 9 * * mon",  # autocron has no day mon
        "0 9 3rd fri * *",  # means the same
        "@daily",
        "nonsense",
        "*/5 * * * * *",
    ],
)
def test_an_expression_of_one_meaning_is_not_warned_about(expression: str) -> None:
    assert ambiguity(expression) is None


def test_crontab_wins_over_field_keywords_as_in_autotask() -> None:
    assert cron(crontab="15 7 * * *", minutes=[1], hours=[2]) == cron("15 7 * * *")


def test_schedules_are_hashable_and_frozen() -> None:
    schedule = cron("15 7 * * *")
    assert {schedule: 1}[cron("15 7 * * *")] == 1
    with pytest.raises(AttributeError):
        schedule.timezone = "UTC"
