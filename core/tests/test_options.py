"""What may be said of a task's jobs, and what is said back when it can't be."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from autocron.errors import ConfigurationError
from autocron.model import MAX_RETRY_DELAY, Policy
from autocron.options import Options

NOW = 1_800_000_000_000_000
BERLIN = ZoneInfo("Europe/Berlin")


def given(**options: Any) -> Options:
    return Options().changed(options, "@delay")


@pytest.mark.parametrize(
    "options, seconds",
    [
        ({"seconds": 30}, 30),
        ({"minutes": 1.5}, 90),
        ({"hours": 2}, 7200),
        ({"days": 1}, 86_400),
        ({"weeks": 1}, 604_800),
        ({"delay": 5}, 5),
        ({"hours": 1, "minutes": 1, "seconds": 1, "delay": 1}, 3662),
        ({"seconds": 0.000_001}, 0.000_001),
    ],
)
def test_durations_add_up_to_the_earliest_start(options: dict[str, float], seconds: float) -> None:
    assert given(**options).run_at(NOW, lambda: dt.UTC) == NOW + round(seconds * 1_000_000)


def test_without_a_delay_a_job_starts_at_once() -> None:
    assert given().run_at(NOW, lambda: dt.UTC) is None
    assert given(seconds=0).run_at(NOW, lambda: dt.UTC) is None
    assert given(at=None).run_at(NOW, lambda: dt.UTC) is None


@pytest.mark.parametrize("name", ["at", "schedule"])
def test_a_moment_is_aware_or_in_the_configured_zone(name: str) -> None:
    aware = dt.datetime(2027, 1, 1, 12, tzinfo=dt.UTC)
    naive = dt.datetime(2027, 1, 1, 13)
    expected = round(aware.timestamp()) * 1_000_000
    assert given(**{name: aware}).run_at(NOW, lambda: BERLIN) == expected
    assert given(**{name: naive}).run_at(NOW, lambda: BERLIN) == expected


def test_per_call_options_replace_those_of_the_decorator() -> None:
    aware = dt.datetime(2027, 1, 1, 12, tzinfo=dt.UTC)
    decorated = given(seconds=60, retries=3, timeout=5, priority=2)
    per_call = decorated.changed({"retries": 1, "timeout": None}, "options()")
    assert (per_call.delay, per_call.policy, per_call.priority) == (60, Policy(retries=1), 2)
    assert decorated.changed({"minutes": 1, "seconds": 1}, "options()").delay == 61
    moved = decorated.changed({"at": aware}, "options()")
    assert (moved.delay, moved.at) == (0, aware)
    back = moved.changed({"seconds": 5}, "options()")
    assert (back.delay, back.at) == (5, None)
    assert decorated.changed({}, "options()") is decorated


def test_the_policy_comes_back_from_its_text_as_it_was() -> None:
    options = given(
        retries=2, backoff=[1, 2.5], jitter=0.5, retry_on=OSError, give_up_on=[KeyError, TimeoutError], timeout=1.5, ttl=60
    )
    assert Policy.from_json(options.policy_text) == options.policy
    assert options.policy.retry_on == ("builtins.OSError",)
    assert options.policy.give_up_on == ("builtins.KeyError", "builtins.TimeoutError")
    assert given().policy_text == "{}"
    assert Policy.from_json('{"retries": 4, "of_a_newer_version": 1}') == Policy(retries=4)


@pytest.mark.parametrize(
    "options",
    [
        {"retries": 0},
        {"retries": 1000},
        {"backoff": "exponential"},
        {"backoff": 0},
        {"backoff": (1, 2)},
        {"jitter": 0.0},
        {"retry_on": (ValueError, OSError)},
        {"give_up_on": {KeyboardInterrupt}},
        {"timeout": None},
        {"timeout": 0.001},
        {"ttl": 0},
        {"ttl": None},
        {"priority": -5},
        {"unique": True},
        {"unique": "key"},
        {"at_most_once": True},
        {"queue": "mail"},
    ],
    ids=str,
)
def test_every_option_can_be_said(options: dict[str, Any]) -> None:
    assert given(**options).changed({}, "options()") is not None


@pytest.mark.parametrize(
    "options, words",
    [
        ({"seconds": -1}, r"seconds=-1 must be a number"),
        ({"seconds": "5"}, r"seconds='5' must be a number"),
        ({"minutes": True}, r"minutes=True must be a number"),
        ({"hours": float("nan")}, r"hours=nan must be a number"),
        ({"days": float("inf")}, r"days=inf must be a number"),
        ({"delay": None}, r"delay=None must be a number"),
        ({"weeks": 1e9}, r"must be a number"),
        ({"at": "2027-01-01"}, r"at='2027-01-01' must be a datetime, such as datetime\("),
        ({"schedule": dt.date(2027, 1, 1)}, r"schedule=datetime.date.* must be a datetime"),
        ({"at": dt.datetime(2027, 1, 1, tzinfo=dt.UTC), "seconds": 5}, r"either `at` or a delay .*not both"),
        ({"retries": -1}, r"retries=-1 must be a whole number, 0 or more"),
        ({"retries": 1.0}, r"retries=1.0 must be a whole number"),
        ({"retries": True}, r"retries=True must be a whole number"),
        ({"backoff": "linear"}, r"backoff='linear' must be \"exponential\", a number of seconds, or a list"),
        ({"backoff": []}, r"backoff=\[\] must be"),
        ({"backoff": [1, "x"]}, r"backoff='x' must be a number"),
        ({"backoff": -1}, r"backoff=-1 must be a number"),
        ({"backoff": 1e13}, r"backoff=1\d+\.0 must be a number"),
        ({"jitter": -0.1}, r"jitter=-0.1 must be a number"),
        ({"retry_on": "ValueError"}, r"retry_on='ValueError' must be an exception class"),
        ({"retry_on": [ValueError, int]}, r"retry_on=.* must be an exception class or a list of them"),
        ({"give_up_on": ValueError()}, r"give_up_on=ValueError\(\) must be an exception class"),
        ({"timeout": 0}, r"timeout=0 would end every attempt at once; leave it out"),
        ({"timeout": -1}, r"timeout=-1 must be a number"),
        ({"ttl": "1 day"}, r"ttl='1 day' must be a number"),
        ({"ttl": 1e13}, r"ttl=1\d+\.0 must be a number"),
        ({"priority": "high"}, r"priority='high' must be a whole number; higher runs first"),
        ({"priority": 2**64}, r"priority=\d+ must be"),
        ({"unique": ""}, r"unique='' must be True"),
        ({"unique": 5}, r"unique=5 must be True .* or a key, a text"),
        ({"at_most_once": 1}, r"at_most_once=1 must be True or False"),
        ({"queue": " "}, r"queue=' ' must be a queue's name, such as"),
        ({"queue": None}, r"queue=None must be a queue's name"),
        ({"retrys": 3}, r"has no option 'retrys': did you mean 'retries'\? Its options are weeks, "),
        ({"xyz": 3}, r"has no option 'xyz': Its options are weeks, "),
    ],
    ids=str,
)
def test_g66_what_cannot_be_says_the_option_the_value_and_the_remedy(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as raised:
        given(**options)
    assert str(raised.value).startswith("@delay")
    assert isinstance(raised.value, ValueError)


# -- retries -----------------------------------------------------------------------------------------------


def attempts(policy: Policy) -> int:
    number = 1
    while policy.retry_delay(number, 0.0) is not None:
        number += 1
    return number


@pytest.mark.parametrize("retries", [0, 1, 2, 7, 50])
@pytest.mark.parametrize("backoff", ["exponential", 0.0, 3.5, (1.0,), (1.0, 2.0, 3.0)])
def test_g25_n_retries_are_exactly_n_plus_one_attempts(retries: int, backoff: Any) -> None:
    assert attempts(Policy(retries=retries, backoff=backoff)) == retries + 1


@pytest.mark.parametrize(
    "backoff, pauses",
    [
        ("exponential", [1, 2, 4, 8, 16, 32]),
        (2.5, [2.5] * 6),
        (0.0, [0] * 6),
        ((1.0, 5.0), [1, 5, 5, 5, 5, 5]),
        ((7.0,), [7] * 6),
    ],
)
def test_g25_the_pauses_are_the_promised_ones(backoff: Any, pauses: list[float]) -> None:
    policy = Policy(retries=6, backoff=backoff)
    assert [policy.retry_delay(failures, 0.0) for failures in range(1, 7)] == pauses


def test_exponential_pauses_end_at_a_day() -> None:
    policy = Policy(retries=10_000)
    assert policy.retry_delay(17, 0.0) == 65_536
    assert policy.retry_delay(18, 0.0) == policy.retry_delay(9_999, 0.0) == MAX_RETRY_DELAY


def test_jitter_lengthens_the_pause_by_chance() -> None:
    policy = Policy(retries=1, backoff=10.0, jitter=4.0)
    assert [policy.retry_delay(1, chance) for chance in (0.0, 0.5, 0.75)] == [10, 12, 13]


class CustomError(ConnectionError):
    pass


@pytest.mark.parametrize(
    "options, error, retried",
    [
        ({}, ValueError, True),
        ({"retry_on": OSError}, CustomError, True),
        ({"retry_on": OSError}, ValueError, False),
        ({"retry_on": CustomError}, ConnectionError, False),
        ({"give_up_on": OSError}, CustomError, False),
        ({"give_up_on": OSError}, ValueError, True),
        ({"retry_on": OSError, "give_up_on": CustomError}, CustomError, False),
        ({"retry_on": OSError, "give_up_on": CustomError}, FileNotFoundError, True),
        ({"give_up_on": TimeoutError}, TimeoutError, False),
    ],
)
def test_g25_which_errors_are_retried(options: dict[str, Any], error: type[BaseException], retried: bool) -> None:
    assert given(retries=1, **options).policy.retries_after(error) is retried
