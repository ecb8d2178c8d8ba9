"""Schedules in real processes: at their moments, through restarts, new code, broken code and killed supervisors."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from running import Running
from scheduled import EACH_SECOND, RARELY, Notes, Release, named, slots
from test_deaths import alive, replaced


@pytest.fixture
def release(running: Running) -> Release:
    return Release(running, "release-1")


@pytest.fixture
def notes(running: Running) -> Notes:
    return Notes(running)


def kill_supervisor(running: Running) -> None:
    """While nobody is attached, so that none takes its place."""
    supervisor = running.supervisor()
    os.kill(supervisor, signal.SIGKILL)
    running.wait_until(lambda: not alive(supervisor), "the supervisor has gone")


def stays_silent(running: Running, notes: Notes, silent: str, *, while_runs: str) -> None:
    """One doesn't run any more while another does."""
    notes.wait_for(while_runs)
    before = len(notes(silent))
    notes.wait_for(while_runs, 3)
    assert len(notes(silent)) == before, running.evidence()


# -- new code --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("supervisor", ["stays", "is new"])
def test_g43_a_removed_function_stops_and_a_changed_schedule_applies_with_the_new_code(
    running: Running, release: Release, notes: Notes, supervisor: str
) -> None:
    release.schedules("chores", "removed", "kept", "slowed")
    release.schedules("mornings", "hastened", decorator=RARELY)
    other = Release(running, "another")
    other.schedules("others", "theirs")
    other.start("others")
    app = release.start("chores", "mornings")
    for name in ("chores.removed", "chores.kept", "chores.slowed", "others.theirs"):
        running.wait_until(lambda name=name: notes(name), f"{name} runs")
    app.kill()
    before = running.supervisor()
    release.write("chores", f"import autocron\nfrom noting import note\n{EACH_SECOND}\ndef kept():\n    note('chores.kept')\n")
    release.schedules("mornings", "hastened")
    if supervisor == "is new":
        replaced(running, before)
    release.start("chores", "mornings")
    running.wait_until(lambda: "chores.removed" not in named(running), "the removed function's schedule has gone")
    assert set(named(running)) == {"chores.kept", "mornings.hastened", "others.theirs"}
    assert (running.supervisor() == before) == (supervisor == "stays")
    stays_silent(running, notes, "chores.removed", while_runs="chores.kept")
    stays_silent(running, notes, "chores.slowed", while_runs="mornings.hastened")
    notes.wait_for("others.theirs", 2)
    unfinished = [job.schedule for job in running.store.jobs() if not job.status.is_final]
    assert "chores.removed" not in unfinished, "its last job waits for ever"


def test_g43_a_changed_expression_fires_anew_at_the_first_start(running: Running, release: Release, notes: Notes) -> None:
    release.schedules("chores", "changing")
    release.schedules("mornings", "kept")
    app = release.start("chores", "mornings")
    running.wait_until(lambda: notes("chores.changing"), "it runs")
    app.kill()
    release.schedules("chores", "changing", decorator=RARELY)
    release.start("chores", "mornings")
    assert "January" in named(running)["chores.changing"].words
    stays_silent(running, notes, "chores.changing", while_runs="mornings.kept")


def test_g43_a_function_removed_during_a_long_downtime_makes_no_job(running: Running, release: Release, notes: Notes) -> None:
    release.schedules("chores", "removed", "kept")
    app = release.start("chores")
    running.wait_until(lambda: notes("chores.removed") and notes("chores.kept"), "both run")
    app.kill()
    kill_supervisor(running)
    ran = len(notes("chores.removed"))
    running.wait_until(
        lambda: all(datetime.now(UTC).timestamp() * 1e6 > (s.next_run_at or 0) for s in named(running).values()),
        "slots have passed",
    )
    release.write("chores", f"import autocron\nfrom noting import note\n{EACH_SECOND}\ndef kept():\n    note('chores.kept')\n")
    release.start("chores")
    notes.wait_for("chores.kept", 3)
    assert set(named(running)) == {"chores.kept"}
    assert len(notes("chores.removed")) == ran
    unfinished = [job.schedule for job in running.store.jobs() if not job.status.is_final]
    assert "chores.removed" not in unfinished, "its last job waits for ever"


def test_g43_code_that_changes_while_a_worker_starts_is_not_kept(running: Running, release: Release, notes: Notes) -> None:
    release.schedules("chores", "removed", "kept")
    begun, go_on = release.folder / "begun", release.folder / "go-on"
    release.write(
        "slow",
        f"""
        import os, time, autocron
        if autocron.in_worker():
            open({str(begun)!r}, "w").close()
        while autocron.in_worker() and not os.path.exists({str(go_on)!r}):
            time.sleep(0.005)

        @autocron.delay
        def work():
            pass
        """,
    )
    app = release.start("chores", "slow")
    running.wait_until(begun.exists, "the worker has imported chores, and is in the middle of the next module")
    app.kill()
    release.schedules("chores", "kept")
    release.start("chores", "slow")
    go_on.touch()
    running.wait_until(lambda: "chores.removed" not in named(running), "the removed function's schedule has gone")
    stays_silent(running, notes, "chores.removed", while_runs="chores.kept")


def test_g43_a_module_that_is_loaded_again_in_a_running_process_applies(running: Running, release: Release) -> None:
    release.schedules("chores", "changing")
    app = release.start("chores")
    before = named(running)["chores.changing"].words
    release.schedules("chores", "changing", decorator=RARELY)
    app.ask("__import__('importlib').reload(__import__('chores')) and None")
    running.wait_until(lambda: named(running)["chores.changing"].words != before, "the new schedule is known", timeout=5)


# -- broken code -----------------------------------------------------------------------------------------------


def test_a_module_that_cannot_be_imported_is_shown_as_broken_and_harms_no_other(
    running: Running, release: Release, notes: Notes
) -> None:
    release.schedules("chores", "fragile")
    release.schedules("mornings", "kept")
    app = release.start("chores", "mornings", workers=2)
    running.wait_until(lambda: notes("chores.fragile") and notes("mornings.kept"), "both run")
    app.kill()
    release.write("chores", "def fragile(:\n")
    app = release.start("mornings")
    running.wait_until(lambda: named(running)["chores.fragile"].broken, "it is shown as broken")
    assert "SyntaxError" in named(running)["chores.fragile"].broken
    assert named(running)["mornings.kept"].broken == ""
    stays_silent(running, notes, "chores.fragile", while_runs="mornings.kept")
    assert running.output.read_text().count("scheduled, but can't run") == 1
    shown = autocron(running, "schedules")
    assert "broken" in shown
    assert "SyntaxError" in shown
    (fragile,) = (each for each in json.loads(autocron(running, "schedules", "--json")) if each["name"] == "chores.fragile")
    assert "SyntaxError" in fragile["broken"]
    app.kill()
    release.schedules("chores", "fragile")
    release.start("chores", "mornings")
    running.wait_until(lambda: named(running)["chores.fragile"].broken == "", "it is whole again")
    notes.wait_for("chores.fragile", 2)


def test_g43_the_schedules_of_a_deleted_module_go_with_it(running: Running, release: Release, notes: Notes) -> None:
    release.schedules("chores", "removed")
    release.schedules("mornings", "kept")
    app = release.start("chores", "mornings")
    running.wait_until(lambda: notes("chores.removed") and notes("mornings.kept"), "both run")
    app.kill()
    (release.folder / "chores.py").unlink()
    release.start("mornings")
    running.wait_until(lambda: set(named(running)) == {"mornings.kept"}, "the schedule has gone with its module")
    stays_silent(running, notes, "chores.removed", while_runs="mornings.kept")


# -- registration ----------------------------------------------------------------------------------------------


def test_functions_of_one_name_in_two_modules_both_run_before_and_after_the_start(
    running: Running, release: Release, notes: Notes
) -> None:
    release.schedules("chores", "tidy")
    release.schedules("mornings", "tidy")
    app = release.start("chores")
    notes.wait_for("chores.tidy")
    app.ask("import mornings")
    assert set(named(running)) == {"chores.tidy", "mornings.tidy"}
    notes.wait_for("mornings.tidy", 2)
    notes.wait_for("chores.tidy")


def test_an_interval_that_starts_now_runs_at_its_first_registration_only(
    running: Running, release: Release, notes: Notes
) -> None:
    release.schedules("chores", "now", decorator="@autocron.periodic(hours=1, start_now=True)")
    release.schedules("mornings", "kept")
    app = release.start("chores", "mornings")
    running.wait_until(lambda: notes("chores.now"), "it has run at once", timeout=10)
    for end_supervisor in (False, True):
        app.kill()
        if end_supervisor:
            kill_supervisor(running)
        app = release.start("chores", "mornings")
        notes.wait_for("mornings.kept", 2)
    assert len(notes("chores.now")) == 1


def test_a_date_runs_once_with_its_arguments_and_never_again(running: Running, release: Release, notes: Notes) -> None:
    when = datetime.now(UTC) + timedelta(seconds=6)  # an application takes its time to start on a busy machine
    release.write(
        "parties",
        f"""
        import autocron
        from noting import note

        @autocron.at({when.isoformat()!r}, args=["parties.at_twelve"])
        def celebrate(name):
            note(name)
        """,
    )
    release.schedules("mornings", "kept")
    app = release.start("parties", "mornings", result_ttl=0.1)
    running.wait_until(lambda: notes("parties.at_twelve"), "the date has come")
    assert 0 <= notes("parties.at_twelve")[0] - when.timestamp() < 1
    for end_supervisor in (False, True):
        app.kill()
        if end_supervisor:
            kill_supervisor(running)
        app = release.start("parties", "mornings")
        notes.wait_for("mornings.kept", 2)
    assert len(notes("parties.at_twelve")) == 1
    assert named(running)["parties.celebrate"].next_run_at is None


# -- every slot, at its moment, once ---------------------------------------------------------------------------


def test_each_slot_makes_one_job_although_supervisors_are_killed_again_and_again(
    running: Running, release: Release, notes: Notes
) -> None:
    release.schedules("chores", "tidy")
    release.start("chores")
    for pause in (0.0, 0.3, 0.6, 0.9, 0.99):  # at other moments of the second
        made = len(slots(running, "chores.tidy"))
        running.wait_until(lambda made=made: len(slots(running, "chores.tidy")) > made, "it fires")
        running.wait_until(lambda pause=pause: datetime.now(UTC).microsecond >= pause * 1e6, "the moment to kill has come")
        replaced(running, running.supervisor())
    notes.wait_for("chores.tidy", 3)
    found = slots(running, "chores.tidy")
    assert len(found) == len(set(found)) >= 5  # one before each kill
    assert all(slot % 1_000_000 == 0 for slot in found)
    assert found[-1] / 1e6 > datetime.now(UTC).timestamp() - 3


def test_g46_slots_fire_at_their_moment_and_never_before(running: Running, release: Release, notes: Notes) -> None:
    release.schedules("chores", "tidy")
    release.start("chores")
    notes.wait_for("chores.tidy", 8, timeout=30)
    rows = running.store.database.read("select slot, created_at, started_at from jobs where state = 'done' order by slot")
    fired = [(row["created_at"] - row["slot"]) / 1000 for row in rows]
    claimed = [(row["started_at"] - row["slot"]) / 1000 for row in rows]
    begun = [moment % 1 * 1000 for moment in notes("chores.tidy")]
    print(f"milliseconds after the slot: fired {min(fired):.1f} … {max(fired):.1f}, begun {min(begun):.1f} … {max(begun):.1f}")
    assert len(rows) >= 6  # the last ones may not have been stored as done yet
    assert all(0 <= made <= taken < 10_000 for made, taken in zip(fired, claimed, strict=True))


# -- what is said ----------------------------------------------------------------------------------------------


def test_what_the_dialects_read_differently_is_warned_about_in_the_web_process_only(
    running: Running, release: Release, notes: Notes
) -> None:
    release.schedules("chores", "doubtful", decorator='@autocron.cron("0 9 1 * *")')
    release.schedules("mornings", "kept")
    release.start("chores", "mornings", workers=2)
    notes.wait_for("mornings.kept", 2)
    running.wait_until(lambda: len(running.locks.worker_pids()) == 2, "both workers live")
    said = running.output.read_text()
    assert said.count("AutocronWarning") == 1, said
    assert 'dialect="unix"' in said
    assert "chores.py" in said


def autocron(running: Running, *arguments: str) -> str:
    """What the command says about the database."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "autocron", str(running.database), *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "AUTOCRON_"))},
    ).stdout
