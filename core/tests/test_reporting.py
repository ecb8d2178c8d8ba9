"""What running attempts note, on its way to the supervisor."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import pytest

from autocron.processes.channel import BlockingChannel, Channel, Message
from autocron.worker import reporting
from autocron.worker.reporting import Reporter


class Heard:
    """The supervisor's end: all messages so far."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.messages: list[Message] = []

    def __call__(self) -> list[Message]:
        self.messages += self.channel.receive()
        return self.messages

    def wait_for(self, number: int) -> list[Message]:
        deadline = time.monotonic() + 45
        while len(self()) < number:
            assert time.monotonic() < deadline, f"only {self.messages} came"
            time.sleep(0.005)
        return self.messages


@pytest.fixture
def ends() -> Iterator[tuple[Reporter, Heard]]:
    jobs_reader, jobs_writer = os.pipe()
    outcomes_reader, outcomes_writer = os.pipe()
    supervisor = Channel(outcomes_reader, jobs_writer)
    worker = BlockingChannel(jobs_reader, outcomes_writer)
    yield Reporter(worker), Heard(supervisor)
    supervisor.close()
    worker.close()


@pytest.fixture
def pause(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    return lambda seconds: monkeypatch.setattr(reporting, "PAUSE", seconds)


def test_notes_are_gathered_and_sent_before_the_outcome(ends: tuple[Reporter, Heard], pause: Callable[[float], None]) -> None:
    reporter, heard = ends
    pause(3600)
    notes = reporter.notes(7)
    for number in range(1, 5):
        notes.set_progress(f"[{number}, 4]")
        notes.add_lines(f"line {number}\n")
    assert heard() == [("note", 7, "[1, 4]", "")]
    reporter.end(7, ("outcome", 7))
    assert heard()[1:] == [("note", 7, "[4, 4]", "line 1\nline 2\nline 3\nline 4\n"), ("outcome", 7)]
    reporter.notes(8).set_progress("[1, 1]")
    reporter.end(8, ("outcome", 8))
    reporter.end(9, ("outcome", 9))
    assert heard()[3:] == [("note", 8, "[1, 1]", ""), ("outcome", 8), ("outcome", 9)]


def test_what_was_noted_too_early_to_be_sent_is_sent_later_without_another_note(
    ends: tuple[Reporter, Heard], pause: Callable[[float], None]
) -> None:
    reporter, heard = ends
    pause(0.1)
    first, second = reporter.notes(1), reporter.notes(2)
    first.set_progress("1")
    first.set_progress("2")
    assert heard.wait_for(2) == [("note", 1, "1", ""), ("note", 1, "2", "")]
    first.set_progress("3")
    second.add_lines("other\n")
    assert {message[1:] for message in heard.wait_for(4)[2:]} == {(1, "3", ""), (2, None, "other\n")}
