"""A Django project in a folder of its own, served by real processes. None of them outlives the tests."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scene import PATIENCE, Scene

__all__ = ["PATIENCE", "Site"]


class Site(Scene):
    """A copy of the project, whose pages do what ``shop.requests`` offers."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.address = ""
        shutil.copytree(
            Path(__file__).parent / "project", self.folder, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True
        )

    def told(self, *arguments: str, environment: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Run this Python until it ends by itself; its exit status and what was said meanwhile."""
        before = len(self.said)
        return self.run(*arguments, environment=environment), self.said[before:]

    def manage(self, *arguments: str, environment: Mapping[str, str] | None = None) -> tuple[int, str]:
        return self.told("manage.py", *arguments, environment=environment)

    def serve_it(self, program: str = "manage.py") -> None:
        """With Django's own server, on a free port."""
        self.address = self.serve(program, "runserver", "--noreload", "127.0.0.1:0").address

    # -- the running site ----------------------------------------------------------------------------------

    def do(self, name: str, *arguments: object) -> Any:
        """Have the server call a function of ``shop.requests``. One that is about to accept connections is asked again."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(f"{self.address}/do/{name}", json.dumps(arguments).encode())

        def answer() -> bytes | None:
            try:
                with opener.open(request, timeout=PATIENCE) as response:
                    body: bytes = response.read()
                    return body
            except urllib.error.HTTPError as error:
                raise AssertionError(f"{name}{arguments}: {error.code}\n{self.evidence()}") from None
            except ConnectionRefusedError:
                return None
            except urllib.error.URLError as error:
                if isinstance(error.reason, ConnectionRefusedError):
                    return None
                raise

        return json.loads(self.wait_until(answer, f"{name} is answered"))["answer"]

    def job_after(self, name: str, *arguments: object) -> dict[str, Any]:
        """Call one of autocron's tasks; its job once it has ended."""
        return self.ended_job(self.do("call", name, *arguments))

    def ended_job(self, uuid: str) -> dict[str, Any]:
        def ended() -> dict[str, Any] | None:
            job: dict[str, Any] = self.do("job", uuid)
            return None if job["status"] in ("waiting", "running") else job

        return self.wait_until(ended, f"job {uuid} has ended")

    def result_after(self, name: str, *arguments: object) -> Any:
        job = self.job_after(name, *arguments)
        assert job["status"] == "done", f"{job}\n{self.evidence()}"
        return job["result"]

    def finished(self, name: str, uuid: str) -> dict[str, Any]:
        """The result of a task of Django's framework once it has finished."""

        def ended() -> dict[str, Any] | None:
            result: dict[str, Any] = self.do("result", name, uuid)
            return result if result["status"] in ("SUCCESSFUL", "FAILED") else None

        return self.wait_until(ended, f"{name} {uuid} has finished")

    def finished_after(self, name: str, *args: object, **using: object) -> dict[str, Any]:
        """Enqueue a task of Django's framework; its result once it has finished."""
        return self.finished(name, self.do("enqueue", name, list(args), using)["id"])
