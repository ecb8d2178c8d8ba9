"""In a real terminal: colours, widths, questions. In a pipe: none of them."""

from __future__ import annotations

import pytest
from command import Filled, fine, fine_here, run, run_here, run_in_terminal


def test_a_terminal_gets_colours_unless_it_says_no(filled: Filled) -> None:
    filled.failed()
    assert "\x1b[31merror\x1b[0m" in run_in_terminal(filled.path, "jobs")[1]
    for words in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        _, shown = run_in_terminal(filled.path, "jobs", **words)
        assert "error" in shown
        assert "\x1b" not in shown
    assert "\x1b" not in fine(filled.path, "status").out


@pytest.mark.parametrize("columns", [80, 100, 160])
def test_tables_fit_the_terminal_and_keep_the_uuid(filled: Filled, columns: int) -> None:
    uuid = filled.failed(error="ValueError: " + "long " * 60, task="a_rather_long.name_of.a_package.with_a.function")
    _, shown = run_in_terminal(filled.path, "jobs", columns=columns, NO_COLOR="1")
    header, line = shown.splitlines()
    assert line.startswith(uuid)
    assert ".function" in line
    assert "…" in line
    assert len(header) <= columns
    assert len(line) <= columns


def test_what_an_application_wrote_does_not_drive_the_terminal(filled: Filled) -> None:
    uuid = filled.failed(error="ValueError: \x1b]0;owned\x07", traceback="Traceback \x1b[2J\n")
    for shown in (run_in_terminal(filled.path, "jobs", NO_COLOR="1")[1], run_in_terminal(filled.path, "show", uuid)[1]):
        assert "\\x1b" in shown
        assert "\x1b]" not in shown
        assert "\x1b[2J" not in shown


def test_purge_asks_and_takes_no_for_the_default(filled: Filled) -> None:
    done = filled.done()
    status, shown = run_in_terminal(filled.path, "purge", typed="\n")
    assert status == 1
    assert f"Delete all finished jobs from {filled.path}, with their results? [y/N]" in shown
    assert "nothing was deleted" in shown
    assert fine(filled.path, "show", done, "--json").json["status"] == "done"
    status, shown = run_in_terminal(filled.path, "purge", typed="y\n")
    assert status == 0
    assert "1 finished job deleted" in shown
    assert run(filled.path, "show", done).status == 1


def test_delete_database_asks_in_a_terminal(filled: Filled) -> None:
    filled.add()
    status, shown = run_in_terminal(filled.path, "--delete-database", typed="n\n", columns=200)
    assert status == 1
    assert "with 1 waiting job and 0 results? [y/N]" in shown
    assert filled.path.exists()


ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"


def test_watch_draws_over_what_is_there_and_leaves_the_last_look_behind(filled: Filled) -> None:
    status, shown = run_in_terminal(filled.path, "watch", "--count", "2", "--interval", "0")
    assert status == 0
    drawn, _, left = shown.partition(LEAVE)
    assert drawn.startswith(ENTER)
    assert "\x1b[2J" not in drawn  # the screen is never empty, so nothing flickers
    first, second = drawn.split("\x1b[H")[1:]
    for look in (first, second):
        assert "not running" in look
        assert "every 0 s; q or Ctrl-C ends" in look
    assert "not running" in left
    assert "Ctrl-C ends" not in left


def test_watch_ends_with_ctrl_c(filled: Filled) -> None:
    status, shown = run_in_terminal(filled.path, "watch", "--interval", "600", interrupt_after="Ctrl-C ends")
    assert status == 0
    assert LEAVE in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize("key", ["q", "Q", "xq"])
def test_watch_ends_with_q_without_enter(filled: Filled, key: str) -> None:
    status, shown = run_in_terminal(filled.path, "watch", "--interval", "600", typed_after=("Ctrl-C ends", key))
    assert status == 0
    assert shown.count("Ctrl-C ends") == len(key)  # any other key brings the next look
    assert LEAVE in shown


def test_watch_fits_a_small_terminal(filled: Filled) -> None:
    for _ in range(8):
        filled.running()
    _, shown = run_in_terminal(filled.path, "watch", "--count", "1", rows=8, columns=60, NO_COLOR="1")
    lines = shown.partition(LEAVE)[0].partition("\x1b[H")[2].split("\n")
    assert len(lines) == 8
    assert "more lines" in lines[-2]
    assert "Ctrl-C ends" in lines[-1]


def test_watch_on_a_dumb_terminal_prints_one_look_after_the_other(filled: Filled) -> None:
    status, shown = run_in_terminal(filled.path, "watch", "--count", "2", "--interval", "0", TERM="dumb")
    assert status == 0
    assert "\x1b" not in shown
    assert shown.count("not running") == 2


def test_every_command_has_help_with_an_example() -> None:
    commands = fine_here("completion", "fish").out.split("complete -c autocron -f -a ")[1:]
    names = [text.split()[0] for text in commands]
    assert {"status", "jobs", "retry", "supervise", "explain"} < set(names)
    for name in names:
        text = fine_here("x.db", name, "--help").out
        assert "examples:\n  autocron " in text, name
        assert "--json" in text, name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x.db", "jbos"], "invalid choice: 'jbos'"),
        (["x.db", "jobs", "--limit", "0"], "'0' must be a whole number, 1 or more"),
        (["x.db", "jobs", "--status", "broken"], "invalid choice: 'broken'"),
        (["x.db", "show"], "the following arguments are required: UUID"),
        ([], "the following arguments are required: DATABASE"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(arguments: list[str], message: str) -> None:
    ended = run_here(*arguments)
    assert ended.status == 2
    assert message in ended.err
    assert ended.out == ""


def test_bytes_that_are_no_text_are_wrong_usage_and_what_cannot_be_shown_is_no_reason_to_fail(filled: Filled) -> None:
    ended = run(filled.path, "jobs", "--task", "\udcff")
    assert ended.status == 2
    assert "b'\\xff' is no text in the encoding utf-8" in ended.err
    filled.failed(error="ValueError: größer")
    assert "gr\\xf6\\xdfer" in fine(filled.path, "jobs", PYTHONIOENCODING="ascii").out
    assert "gr\\xf6\\xdfer" in run_in_terminal(filled.path, "jobs", PYTHONIOENCODING="ascii")[1]


def test_bash_completes_commands_and_their_flags() -> None:
    import subprocess

    script = fine("completion", "bash").out
    script += "\nCOMP_WORDS=(autocron x.db jobs --st); COMP_CWORD=3; _autocron; echo ${COMPREPLY[@]}"
    script += "\nCOMP_WORDS=(autocron x.db re); COMP_CWORD=2; _autocron; echo ${COMPREPLY[@]}"
    ended = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.splitlines() == ["--status", "retry resume"]
