"""Another process that knows nothing but the database's name and a uuid."""

from __future__ import annotations

import json
import sys
from typing import Any

from integration_tests.harness.ground import Ground

_CLIENT = """
import json, os, sys
import autocron

autocron.start(sys.argv[1])
handle = autocron.TaskResult.get(sys.argv[2])
value = handle.wait(60)
facts = {"pid": os.getpid(), "value": value, "result": handle.result, "status": str(handle.status),
         "is_ready": handle.is_ready, "has_error": handle.has_error, "uuid": handle.uuid}
print("ANSWER", json.dumps(facts), flush=True)
"""


def ask(ground: Ground, database: str, uuid: str) -> dict[str, Any]:
    """What ``TaskResult.get`` finds out about a job in a process of its own, once it has ended."""
    script = ground.home / "client.py"  # not beside the server's code
    script.write_text(_CLIENT)
    ended = ground.run([sys.executable, str(script), database, uuid])
    assert ended.returncode == 0, f"the client ended with status {ended.returncode}\n{ended.stdout}"
    answer = next(line for line in ended.stdout.splitlines() if line.startswith("ANSWER "))
    facts: dict[str, Any] = json.loads(answer.removeprefix("ANSWER "))
    return facts
