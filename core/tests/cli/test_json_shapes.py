"""The JSON of every command, name by name and type by type, as ``docs/command-line.md`` promises it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command import Filled, uuids_in

from autocron import cli
from autocron.cli.parser import make_parser
from autocron.clock import MICROSECONDS

TEXT, NUMBER, FLAG, MOMENT = "text", "number", "flag", "moment"
JOB = {
    "uuid": TEXT, "task": TEXT, "status": TEXT, "held": FLAG, "queue": TEXT, "priority": NUMBER, "attempts": NUMBER,
    "schedule": [TEXT, None], "created_at": MOMENT, "run_at": MOMENT, "started_at": [MOMENT, None],
    "finished_at": [MOMENT, None], "error": TEXT, "progress": [[NUMBER], None],
}  # fmt: skip
ATTEMPT = {
    "attempt": NUMBER, "outcome": TEXT, "started_at": [MOMENT, None], "finished_at": [MOMENT, None],
    "worker": [NUMBER, None], "error": TEXT, "traceback": TEXT, "log": TEXT,
}  # fmt: skip
DETAILS = JOB | {
    "args": object, "kwargs": object, "result": object, "traceback": TEXT, "unique_key": [TEXT, None], "options": {},
    "supervisor": [TEXT, None], "cancel_requested": FLAG, "expires_at": [MOMENT, None], "history": [ATTEMPT],
}  # fmt: skip
SCHEDULE = {
    "name": TEXT, "task": TEXT, "words": TEXT, "active": FLAG, "broken": TEXT, "next_run_at": [MOMENT, None],
    "last_run_at": [MOMENT, None], "queue": TEXT, "misfire": TEXT, "grace": [NUMBER, None], "overlap": TEXT,
    "jitter": NUMBER, "last_job": [JOB, None],
}  # fmt: skip
PROCESS = {"pid": [NUMBER, None], "started_at": [MOMENT, None], "stopped": FLAG}
FINDING = {"check": TEXT, "level": TEXT, "message": TEXT}
COUNTS = dict.fromkeys("waiting ready later held behind running done error cancelled".split(), NUMBER)
STATUS = {
    "database": TEXT, "host": TEXT, "at": MOMENT, "ok": FLAG, "problems": [TEXT], "warnings": [TEXT], "surroundings": [FINDING],
    "autocron_lock": FLAG, "supervisor": [PROCESS, None], "workers": [PROCESS], "workers_wanted": NUMBER, "attached": [PROCESS],
    "counts": COUNTS, "last_hour": {"done": NUMBER, "error": NUMBER},
    "running": [JOB | {"worker": [NUMBER, None], "running_seconds": NUMBER}],
    "oldest_waiting": [JOB | {"waiting_seconds": NUMBER}, None],
    "held": [{"task": TEXT, "jobs": NUMBER, "reason": TEXT}], "paused": {}, "next": [SCHEDULE],
}  # fmt: skip
SETTING = {"name": TEXT, "value": object, "default": object, "stored": FLAG}
REFUSED = [{"uuid": TEXT, "reason": TEXT}]
QUEUES = {"queues": [TEXT], "changed": [TEXT], "paused": [TEXT]}
FLAGS = {"settings": [SETTING], "notes": [TEXT]}
SHAPES: dict[str, tuple[str, Any]] = {
    "status": ("status", STATUS),
    "watch": ("watch --count 1", STATUS),
    "jobs": ("jobs", [JOB]),
    "show": ("show {failed}", DETAILS),
    "schedules": ("schedules", [SCHEDULE]),
    "settings": ("settings workers=2", [SETTING]),
    "doctor": ("doctor", [FINDING]),
    "retry": ("retry {failed} {waiting}", {"retried": [TEXT], "refused": REFUSED}),
    "retry all": ("retry --all-failed", {"retried": NUMBER, "refused": NUMBER}),
    "cancel": ("cancel {waiting} {failed}", {"cancelled": [TEXT], "refused": REFUSED}),
    "run-now": ("run-now report", {"uuid": TEXT, "task": TEXT}),
    "pause": ("pause", QUEUES),
    "resume": ("resume", QUEUES),
    "purge": ("purge --yes", {"purged": NUMBER}),
    "backup": ("backup {folder}/copy.db", {"database": TEXT, "backup": TEXT, "bytes": NUMBER}),
    "metrics": ("metrics", [{"name": TEXT, "type": TEXT, "help": TEXT, "samples": [{"labels": {}, "value": NUMBER}]}]),
    "explain": ("explain 5", [{"expression": TEXT, "error": TEXT}]),
    "completion": ("completion bash", {"shell": TEXT, "script": TEXT}),
    "flags": ("--set-max-workers 2 --set-monitor-lock on", FLAGS),
    "all flags": ("-i -t -r", FLAGS | {"info": STATUS, "tasks": {"schedules": [SCHEDULE], "jobs": [JOB]}, "results": [JOB]}),
    "delete": ("--delete-database --yes", {"deleted": [TEXT]}),
    "an error": ("show nonsense", {"error": TEXT}),
}
WITHOUT_SHAPE = {"supervise"}  # it logs


def fits(value: Any, shape: Any, where: str) -> None:
    """Exactly these keys, with values of these types; a list of a shape and None is "either"; of one shape, a list."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), f"{where}: {value!r}"
        assert not shape or set(value) == set(shape), where
        for key, inner in shape.items():
            fits(value[key], inner, f"{where}.{key}")
    elif isinstance(shape, list) and shape[1:] == [None]:
        if value is not None:
            fits(value, shape[0], where)
    elif isinstance(shape, list):
        assert isinstance(value, list), f"{where}: {value!r}"
        for number, each in enumerate(value):
            fits(each, shape[0], f"{where}[{number}]")
    elif shape is MOMENT:
        assert isinstance(value, str), where
        assert value.endswith("+00:00"), where
        assert len(value) == len("2027-01-31T08:30:00.000000+00:00"), where
    elif shape is not object:
        kind: Any = {TEXT: str, NUMBER: (int, float), FLAG: bool}[shape]
        assert isinstance(value, kind), f"{where}: {value!r}"


@pytest.mark.parametrize("name", SHAPES)
def test_the_shape_is_the_documented_one(filled: Filled, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command, shape = SHAPES[name]
    filled.schedule()
    filled.held()
    running = filled.running()
    claim = filled.store.database.read("select id, nonce, attempt, owner from jobs where state = 'running'")[0]
    from autocron.model import Claim

    filled.store.note(Claim(*claim), "[1, 4]", "a line of the log\n", filled.now)
    filled.done({"sent": ("a", 1)})
    values = {"failed": filled.failed(), "waiting": filled.add(), "folder": tmp_path}
    filled.add(at=filled.now + 3600 * MICROSECONDS)
    words = command.format(**values).split()
    database = [] if words[0] in ("explain", "completion") else [str(filled.path)]
    if name == "delete":
        filled.store.close()
    assert cli.main([*database, *words, "--json"]) in (0, 1)
    seen = json.loads(capsys.readouterr().out)
    fits(seen, shape, name)
    if name == "jobs":
        assert len(seen) == 6
        assert [each["progress"] for each in seen if each["uuid"] == running] == [[1, 4]]
    if name == "status":
        assert uuids_in(seen["running"]) == [running]


def test_a_running_job_shows_its_log_and_its_progress(filled: Filled, capsys: pytest.CaptureFixture[str]) -> None:
    uuid = filled.add("shop.mail", "ann@example.com")
    claim = filled.run_one()
    filled.store.note(claim, "[3, 10]", "looking for \x1b[2Jann\nfound her\n", filled.now)
    assert cli.main([str(filled.path), "show", uuid]) == 0
    text = capsys.readouterr().out
    assert "progress  30% (3 of 10)" in " ".join(text.split(" ")).replace("progress    ", "progress  ")
    assert "log of attempt 1:\nlooking for \\x1b[2Jann\nfound her\n" in text
    assert cli.main([str(filled.path)]) == 0
    assert "shop.mail('ann@example.com')  30% (3 of 10)  attempt 1" in capsys.readouterr().out


def test_every_command_has_its_shape_written_down() -> None:
    (commands,) = [action.choices for action in make_parser()._actions if isinstance(action.choices, dict)]
    assert set(commands) <= {name.split()[0] for name in SHAPES} | WITHOUT_SHAPE
