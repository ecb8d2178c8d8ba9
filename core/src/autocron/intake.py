"""What a process hands in when it starts and calls: how its workers are launched, its settings, its jobs.

Apart from the rest of ``model``, which most processes that call never load.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple


class NewJob(NamedTuple):
    """A requested run, not yet stored. ``arguments`` is the codec's text, ``run_at`` a moment or None for now.

    ``concurrent`` jobs (of ``async def`` tasks) share a worker's event loop. ``context`` is JSON that travels with the
    job to its attempts, "" for none.
    """

    task: str
    arguments: str
    application: int
    run_at: int | None = None
    queue: str = "default"
    priority: int = 0
    unique_key: str | None = None
    policy: str = "{}"
    concurrent: bool = False
    context: str = ""


class Setup(NamedTuple):
    """What a worker calls before its first job: ``module:function``, its JSON keywords, a module to import first."""

    function: str
    arguments: str
    module: str | None = None

    @classmethod
    def calling(cls, function: str, arguments: Mapping[str, Any], module: str | None) -> "Setup":
        """With keywords that aren't JSON yet."""
        return cls(function, json.dumps(dict(arguments), sort_keys=True), module)


class Launch(NamedTuple):
    """How a worker imports an application: the way the attached process did.

    ``main`` is the name under which tasks of the main module are known, and its file.
    """

    executable: str
    cwd: str
    path: tuple[str, ...]
    main: tuple[str, str] | None = None
    setups: tuple[Setup, ...] = ()

    def to_json(self) -> str:
        setups = [setup._asdict() for setup in self.setups]
        return json.dumps({**self._asdict(), "setups": setups}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Launch":
        """Raises ValueError for a damaged text."""
        try:
            values = json.loads(text)
            main = values["main"]
            launch = cls(
                executable=values["executable"],
                cwd=values["cwd"],
                path=tuple(values["path"]),
                main=tuple(main) if main else None,
                setups=tuple(Setup(**setup) for setup in values["setups"]),
            )
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            raise ValueError(f"its launch can't be read ({type(error).__name__}: {error})") from error
        texts = [launch.executable, launch.cwd, *launch.path, *(launch.main or ())]
        texts += [text for setup in launch.setups for text in (setup.function, setup.arguments)]
        if not all(isinstance(text, str) for text in texts) or len(launch.main or "12") != 2:
            raise ValueError("its launch has something else where a text belongs")
        return launch


class Settings(NamedTuple):
    """What is stored in the database about how to work it; ``start()`` and the command line change it.

    A worker is replaced after ``max_jobs`` jobs, or once it holds more than ``max_memory_mb``; 0: never.
    """

    workers: int = 1
    threads: int = 1
    coroutines: int = 100
    max_jobs: int = 0
    max_memory_mb: int = 0
    result_ttl: float = 1800.0
    durability: str = "normal"
    timezone: str = ""
    shutdown_grace: float = 8.0
    serializer: str = "json"
    autocron_lock: bool = False

    @classmethod
    def from_mapping(cls, stored: Mapping[str, Any]) -> "Settings":
        """Unknown names are left alone: a newer version may have stored them."""
        return cls(**{name: value for name, value in stored.items() if name in cls._fields})
