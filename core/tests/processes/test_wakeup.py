"""The named pipe that wakes the supervisor."""

from __future__ import annotations

import os
import select
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from autocron.processes.wakeup import WakeUpReader, WakeUpWriter, make_pipe


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db-wake"


@pytest.fixture
def reader(path: Path) -> Iterator[WakeUpReader]:
    opened = WakeUpReader(path)
    yield opened
    opened.close()


@pytest.fixture
def writer(path: Path) -> Iterator[WakeUpWriter]:
    opened = WakeUpWriter(path)
    yield opened
    opened.close()


def rang(reader: WakeUpReader) -> bool:
    return bool(select.select([reader], [], [], 0)[0])


def test_the_pipe_is_private(reader: WakeUpReader, path: Path) -> None:
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_ring_makes_the_reader_readable_until_it_is_cleared(reader: WakeUpReader, writer: WakeUpWriter) -> None:
    assert not rang(reader)
    assert writer.ring()
    assert writer.ring()
    assert rang(reader)
    reader.clear()
    assert not rang(reader)
    assert writer.ring()
    assert rang(reader)


def test_nobody_is_woken_where_nobody_reads(writer: WakeUpWriter, path: Path) -> None:
    assert not writer.ring()
    make_pipe(path)
    assert not writer.ring()


def test_a_writer_notices_that_its_reader_has_gone_and_finds_the_next(writer: WakeUpWriter, path: Path) -> None:
    first = WakeUpReader(path)
    assert writer.ring()
    first.close()
    assert not writer.ring()
    second = WakeUpReader(path)
    assert writer.ring()
    assert rang(second)
    second.close()


def test_a_ring_reaches_the_successor_of_the_reader_that_was_known(writer: WakeUpWriter, path: Path) -> None:
    first = WakeUpReader(path)
    assert writer.ring()
    second = WakeUpReader(path)
    first.close()
    assert writer.ring()
    assert rang(second)
    second.close()


def test_a_full_pipe_never_blocks_a_call(reader: WakeUpReader, writer: WakeUpWriter) -> None:
    for _ in range(100_000):
        assert writer.ring()
    reader.clear()
    assert not rang(reader)


def test_the_reader_does_not_wake_when_clients_leave(reader: WakeUpReader, path: Path) -> None:
    client = WakeUpWriter(path)
    client.ring()
    reader.clear()
    client.close()
    assert not rang(reader)


def test_making_the_pipe_twice_is_nothing_but_another_file_is_refused(path: Path) -> None:
    make_pipe(path)
    make_pipe(path)
    other = path.with_name("other")
    other.touch()
    with pytest.raises(FileExistsError):
        make_pipe(other)


@pytest.mark.parametrize("ending", ["the reader closes", "it is told to stop"])
def test_waiting_for_the_hangup_ends(writer: WakeUpWriter, path: Path, ending: str) -> None:
    reader = WakeUpReader(path)
    assert writer.connect()
    stop_reader, stop_writer = os.pipe()
    waiter = threading.Thread(target=writer.wait_for_hangup, args=(stop_reader,))
    waiter.start()
    waiter.join(0.05)
    assert waiter.is_alive()
    if ending == "the reader closes":
        reader.close()
    else:
        os.close(stop_writer)
    waiter.join(10)
    assert not waiter.is_alive()
    if ending == "the reader closes":
        assert not writer.connect()
        os.close(stop_writer)
    else:
        reader.close()
    os.close(stop_reader)


def test_a_ring_is_heard_when_the_reader_takes_notice_of_it(tmp_path: Path) -> None:
    writer = WakeUpWriter(tmp_path / "wake")
    assert not writer.is_heard(0.0)
    reader = WakeUpReader(tmp_path / "wake")
    try:
        assert not writer.is_heard(0.05)
        listening = threading.Event()

        def listen() -> None:
            while not listening.wait(0.01):
                reader.clear()

        thread = threading.Thread(target=listen)
        thread.start()
        assert writer.is_heard(60)
        listening.set()
        thread.join()
    finally:
        reader.close()
        writer.close()
