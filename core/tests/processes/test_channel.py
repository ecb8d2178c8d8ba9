"""Messages between a supervisor and a worker."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from autocron.processes.channel import BlockingChannel, Channel, Message


@pytest.fixture
def ends() -> Iterator[tuple[Channel, BlockingChannel]]:
    jobs_reader, jobs_writer = os.pipe()
    outcomes_reader, outcomes_writer = os.pipe()
    supervisor = Channel(outcomes_reader, jobs_writer)
    worker = BlockingChannel(jobs_reader, outcomes_writer)
    yield supervisor, worker
    supervisor.close()
    worker._reader.close()
    if worker._write_fd >= 0:
        os.close(worker._write_fd)


def receive_all(channel: Channel, number: int) -> list[Message]:
    messages: list[Message] = []
    while len(messages) < number:
        messages += channel.receive()
    return messages


def test_messages_arrive_whole_and_in_order(ends: tuple[Channel, BlockingChannel]) -> None:
    supervisor, worker = ends
    for number in range(3):
        supervisor.send(("job", number))
    assert [worker.receive() for _ in range(3)] == [("job", 0), ("job", 1), ("job", 2)]
    assert supervisor.receive() == []
    worker.send(("done", 1))
    worker.send(("done", 2))
    assert supervisor.receive() == [("done", 1), ("done", 2)]
    assert not supervisor.at_end


def test_a_message_larger_than_the_pipe_waits_and_goes_on(ends: tuple[Channel, BlockingChannel]) -> None:
    supervisor, worker = ends
    text = "x" * 20_000_000
    supervisor.send(("large", text))
    supervisor.send(("small",))
    assert supervisor.pending
    received: list[Message | None] = []
    reader = threading.Thread(target=lambda: received.extend((worker.receive(), worker.receive())))
    reader.start()
    while supervisor.pending:
        supervisor.flush()
    reader.join(30)
    assert received == [("large", text), ("small",)]


def test_a_large_outcome_is_put_together_from_its_pieces(ends: tuple[Channel, BlockingChannel]) -> None:
    supervisor, worker = ends
    text = "y" * 20_000_000
    sender = threading.Thread(target=worker.send, args=(("outcome", text),))
    sender.start()
    assert receive_all(supervisor, 1) == [("outcome", text)]
    sender.join(30)


def test_the_worker_is_told_that_nothing_follows(ends: tuple[Channel, BlockingChannel]) -> None:
    supervisor, worker = ends
    supervisor.send(("last",))
    supervisor.close_writing()
    supervisor.close_writing()
    assert worker.receive() == ("last",)
    assert worker.receive() is None


def test_the_supervisor_notices_that_a_worker_says_no_more(ends: tuple[Channel, BlockingChannel]) -> None:
    supervisor, worker = ends
    worker.send(("last",))
    os.close(worker._write_fd)
    worker._write_fd = -1
    assert supervisor.receive() == [("last",)]
    assert supervisor.receive() == []
    assert supervisor.at_end


def test_half_a_message_of_a_dead_worker_is_no_message(ends: tuple[Channel, BlockingChannel]) -> None:
    supervisor, worker = ends
    os.write(worker._write_fd, b"\0\0\1\0half")
    assert supervisor.receive() == []


def test_a_dead_worker_does_not_hurt_the_supervisor(ends: tuple[Channel, BlockingChannel]) -> None:
    supervisor, worker = ends
    worker._reader.close()
    supervisor.send(("job", "x" * 1_000_000))
    assert not supervisor.pending
