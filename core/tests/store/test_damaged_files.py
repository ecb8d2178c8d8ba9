"""Bytes that a disk, or somebody, has changed: an error of ours that says so, or nothing at all; never a crash."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_kinds import EXPIRY, LATER, NOW, OTHER_OWNER, OWNER, job, launch, schedule

from autocron.errors import ClaimLostError, ForeignDatabaseError, StoreError
from autocron.store import SqliteStore
from autocron.store.reports import Reports


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "jobs.db"
    store = SqliteStore(path, create=True)
    number = store.register(launch(), {"app.work": "app"}, [schedule()], NOW)
    store.add([job(number, arguments=f'[["{"x" * 40}"],{{}}]') for _ in range(60)], NOW)
    for work in store.claim(number, 20, OWNER, NOW):
        store.finish(work.claim, '"done"', 7, EXPIRY, NOW)
    store.claim(number, 5, OWNER, NOW)
    store.close()
    return path


def use_it(store: SqliteStore) -> None:
    """Each step may be refused; whatever is raised has to be an error of ours."""
    for step in (
        store.settings,
        store.applications,
        store.schedules,
        lambda: store.recover(OTHER_OWNER, EXPIRY, LATER),
        lambda: store.add([job(1)], LATER),
        lambda: store.add_each(job(1), ["[]"] * 3, LATER),
        lambda: store.promote(LATER),
        lambda: work_some(store),
        lambda: store.adopt_jobs(1, [2]),
        lambda: store.expire(EXPIRY, 5),
        store.maintain,
        store.jobs,
        store.counts,
        lambda: Reports(store.database).tally(NOW),
    ):
        with contextlib.suppress(StoreError):
            step()


def work_some(store: SqliteStore) -> None:
    with store.transaction():
        for work in store.claim(1, 10, OTHER_OWNER, LATER):
            with contextlib.suppress(ClaimLostError):  # as a supervisor does
                store.finish(work.claim, "1", 8, EXPIRY, LATER)


def damaged_copy(sound: Path, folder: Path, damages: list[tuple[float, bytes]], keep: float) -> Path:
    """The file with these bytes put at these places (parts of its length), and cut off behind ``keep``."""
    content = bytearray(sound.read_bytes())
    for where, what in damages:
        place = int(where * len(content))
        content[place : place + len(what)] = what
    path = folder / "jobs.db"
    path.write_bytes(content[: int(keep * len(content))])
    return path


places = st.floats(0, 1, exclude_max=True)


@given(
    damages=st.lists(st.tuples(places, st.binary(min_size=1, max_size=60)), max_size=4),
    keep=st.sampled_from([1.0, 1.0, 1.0, 0.999, 0.7, 0.3, 0.01]),
)
@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_g34_any_damage_to_a_file_raises_an_error_of_ours_or_none(
    sound: Path, tmp_path_factory: pytest.TempPathFactory, damages: list[tuple[float, bytes]], keep: float
) -> None:
    folder = tmp_path_factory.mktemp("damaged", numbered=True)
    store = SqliteStore(damaged_copy(sound, folder, damages, keep))
    with contextlib.suppress(StoreError):
        store.database.read("pragma synchronous = off")
    use_it(store)
    store.close()
    shutil.rmtree(folder)


@given(content=st.binary(min_size=1, max_size=3000))
@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_g34_a_file_of_any_bytes_is_refused_and_left_as_it_is(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("foreign", numbered=True)
    path = folder / "jobs.db"
    path.write_bytes(content)
    store = SqliteStore(path, create=True)
    with pytest.raises(ForeignDatabaseError, match="it was left untouched"):
        store.add([job(1)], NOW)
    store.close()
    assert path.read_bytes() == content
    shutil.rmtree(folder)
