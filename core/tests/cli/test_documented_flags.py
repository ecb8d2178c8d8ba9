"""The flags of the original, word for word."""

from __future__ import annotations

import pytest
from command import Filled, fine_here, run_here


def settings_of(filled: Filled) -> dict[str, object]:
    return {each["name"]: each["value"] for each in fine_here(filled.path, "settings", "--json").json}


@pytest.mark.parametrize(("word", "stored"), [("on", True), ("off", False), ("true", True), ("false", False)])
def test_autocron_lock_is_set_with_each_of_its_words(filled: Filled, word: str, stored: bool) -> None:
    fine_here(filled.path, "settings", f"autocron_lock={'off' if stored else 'on'}")
    assert "switched" in fine_here(filled.path, "--set-autocron-lock", word).out
    assert settings_of(filled)["autocron_lock"] is stored


def test_autocron_lock_may_be_set_before_the_application_ever_started(tmp_path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    ended = fine_here("project.db", "--set-autocron-lock", "on", HOME=str(home))
    made = home / ".autocron" / "project.db"
    assert f"made the database {made}" in ended.out
    assert made.stat().st_mode & 0o777 == 0o600
    assert fine_here("project.db", "status", "--json", HOME=str(home)).json["autocron_lock"] is True


def test_numbers_are_stored(filled: Filled) -> None:
    ended = fine_here(filled.path, "--set-max-workers", "4", "--set-result-ttl", "60")
    assert "each application gets 4 workers (no supervisor runs now: it holds from the next start on)" in ended.out
    settings = settings_of(filled)
    assert settings["workers"] == 4
    assert settings["result_ttl"] == 60


def test_defaults_come_back_and_may_be_changed_at_once(filled: Filled) -> None:
    fine_here(filled.path, "--set-max-workers", "4", "--set-result-ttl", "60", "--set-autocron-lock", "on")
    fine_here(filled.path, "--set-defaults", "--set-result-ttl", "5")
    settings = settings_of(filled)
    assert (settings["workers"], settings["result_ttl"], settings["autocron_lock"]) == (1, 5, False)


@pytest.mark.parametrize(
    "flag", [("--set-worker-idle-time", "2"), ("--set-monitor-idle-time", "2"), ("--set-blocking-mode", "on"), ("--set-monitor-lock", "off")]
)  # fmt: skip
def test_flags_without_purpose_say_so_in_one_line_and_change_nothing(filled: Filled, flag: tuple[str, str]) -> None:
    before = settings_of(filled)
    ended = fine_here(filled.path, *flag)
    (line,) = ended.out.splitlines()
    assert line.startswith(f"{flag[0]} has no effect any more: ")
    assert settings_of(filled) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set-autocron-lock", "perhaps"], "'perhaps' must be on or off"),
        (["--set-max-workers", "many"], "invalid int value: 'many'"),
        (["--set-max-workers", "0"], "workers=0: give a whole number of worker processes"),
        (["--set-result-ttl", "-1"], "result_ttl=-1.0: give a number of seconds"),
        (["--set-max-workers", "2", "status"], "--set-max-workers and the command 'status' don't go together"),
        (["--delete-database", "-i"], "--delete-database leaves nothing to show"),
    ],
)
def test_wrong_values_are_usage_errors_that_name_them(filled: Filled, arguments: list[str], message: str) -> None:
    ended = run_here(filled.path, *arguments)
    assert ended.status == 2
    assert message in ended.err


def test_info_tasks_and_results_are_shown_together(filled: Filled) -> None:
    filled.schedule()
    done, waiting = filled.done(3), filled.add()
    shown = fine_here(filled.path, "-i", "-t", "-r").out
    assert [line for line in shown.splitlines() if line.endswith(":")] == ["info:", "tasks:", "results:"]
    assert waiting in shown.partition("tasks:")[2].partition("results:")[0]
    assert done in shown.partition("results:")[2]
    assert "shop.report" in shown
    found = fine_here(filled.path, "--info", "--tasks", "--results", "--json").json
    assert found["info"]["counts"]["waiting"] == 1
    assert [each["name"] for each in found["tasks"]["schedules"]] == ["shop.report"]
    assert [each["uuid"] for each in found["results"]] == [done]


def test_delete_database_asks_where_it_can_and_refuses_where_it_cannot(filled: Filled) -> None:
    filled.add()
    ended = run_here(filled.path, "--delete-database")
    assert ended.status == 2
    assert "1 waiting job" in ended.err
    assert "--yes" in ended.err
    assert filled.path.exists()
    filled.store.close()
    assert fine_here(filled.path, "--delete-database", "--yes", "--json").json["deleted"][0] == str(filled.path)
    assert not filled.path.exists()


def test_other_flags_never_make_a_database(tmp_path) -> None:
    missing = tmp_path / "missing.db"
    for flags in (["--set-max-workers", "2"], ["--set-monitor-lock", "on"], ["--info"], ["--delete-database", "--yes"]):
        ended = run_here(missing, *flags)
        assert ended.status == 1
        assert f"there is no database {missing}" in ended.err
    assert list(tmp_path.iterdir()) == []
