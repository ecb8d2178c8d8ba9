"""``Task``: a decorated function and its options. Calling it asks for a job; naming it lets a worker find it."""

import functools
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, ParamSpec, Protocol, TypeVar, Unpack

from autocron.errors import ConfigurationError, TaskDefinitionError
from autocron.options import Options, TaskOptions
from autocron.results import TaskResult

if TYPE_CHECKING:
    import inspect

P = ParamSpec("P")
R = TypeVar("R")

functions: dict[str, Callable[..., Any]] = {}
"""Every function decorated in this process, by the names of its task: where a worker finds what to call."""

_aliases: dict[str, str] = {}  # the names among those that a task had before, to the one that it has


class Task(Generic[P, R]):
    """A function whose calls become jobs. Made by ``@delay``."""

    def __init__(
        self, function: Callable[P, Any], options: Options, engine: "Callable[[], Engine]", name: str | None = None
    ) -> None:
        self.function = function
        self.name: str = name or task_name(function)
        self.job_options = options
        self.concurrent: bool = is_async(function)
        self.in_main_module: bool = getattr(function, "__module__", None) == "__main__"
        self._engine = engine
        self.check_arguments: Callable[[tuple[Any, ...], dict[str, Any]], None] = _argument_check(function)
        functools.update_wrapper(self, function, updated=())  # its attributes must not cover ours

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> TaskResult[R]:
        """Send the call to a worker and return its handle at once.

        Raises TypeError if the arguments don't fit the function, EncodingError if one can't be stored exactly,
        NotStartedError before ``start()``, StoreError if the job can't be stored. When it returns, the job is stored.
        """
        self.check_arguments(args, kwargs)
        return self._engine().submit([Request(self, args, kwargs)])[0]

    def options(self, **options: Unpack[TaskOptions]) -> "Task[P, R]":
        """The same task with other options: ``send_mail.options(seconds=60)("a@b.c", "hi")``."""
        return self._with(self.job_options.changed(options, f"{self.name}.options()"))

    def map(self, calls: Iterable[Sequence[Any]]) -> list[TaskResult[R]]:
        """A job for each tuple of positional arguments, all stored in one transaction. Raises like a call."""
        requests = []
        for number, args in enumerate(calls):
            if type(args) is not tuple:
                if isinstance(args, (str, bytes)) or not isinstance(args, Sequence):
                    raise TypeError(
                        f"{self.name}.map(): item {number} is {args!r}; write a tuple of the call's arguments: ({args!r},)"
                    )
                args = tuple(args)
            self.check_arguments(args, {})
            requests.append(Request(self, args, {}))
        return self._engine().submit(requests) if requests else []

    def call(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """The plain function, here and now; for an ``async`` function its coroutine."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<Task {self.name}>"

    def _with(self, options: Options) -> "Task[P, R]":
        other: Task[P, R] = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.job_options = options
        return other


class Request(NamedTuple):
    """One call of a task, on its way to an engine."""

    task: Task[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Engine(Protocol):
    """What runs the calls of tasks: a store with workers beside it, the caller itself, or another system."""

    def submit(self, requests: Sequence[Request]) -> list[TaskResult[Any]]:
        """Make jobs of these calls, all or none. Returns their handles in order."""
        ...


def keep_function(name: str, function: Callable[..., Any], aliases: Iterable[str] = ()) -> None:
    """Have workers find a task's function. Raises TaskDefinitionError if an alias is the name of another task."""
    functions[name] = function
    _aliases.pop(name, None)
    for alias in aliases:
        if alias == name or (alias in functions and _aliases.get(alias) != name):
            whose = f"an alias of {_aliases[alias]}" if alias in _aliases else "the name of a task"
            raise TaskDefinitionError(
                f"{alias!r} can't be an alias of {name}: it is {whose}; an alias is a name that a task had before and "
                "none has now"
            )
        functions[alias] = function
        _aliases[alias] = name


def checked_aliases(aliases: Sequence[str]) -> tuple[str, ...]:
    """Raises ConfigurationError for what can't have been a task's name."""
    if isinstance(aliases, str) or not all(isinstance(alias, str) and alias.strip(".") for alias in aliases):
        raise ConfigurationError(
            f'@delay: aliases={aliases!r} must be a list of the names that the task had before, such as ["shop.mail.send"]'
        )
    return tuple(aliases)


# -- names -------------------------------------------------------------------------------------------------


def task_name(function: Callable[..., Any]) -> str:
    """The name under which a worker finds a function: its module's importable name, a dot, its own name.

    Raises TaskDefinitionError for what no worker could find by a name.
    """
    qualname: str = getattr(function, "__qualname__", "")
    module: str | None = getattr(function, "__module__", None)
    if not callable(function) or not qualname or not module:
        raise TaskDefinitionError(f"{function!r} is no function; decorate a function defined with `def` in a module")
    if "<lambda>" in qualname:
        raise TaskDefinitionError(
            f"a lambda (in {module}) can't be a task: a worker finds tasks by name. Write it as a function with `def`"
        )
    if "<locals>" in qualname:
        outer, _, inner = qualname.rpartition(".<locals>.")
        raise TaskDefinitionError(
            f"{inner!r} is defined inside {outer!r} (in {module}), where a worker can't find it: "
            "move it to the top level of the module"
        )
    return f"{main_module_name() if module == '__main__' else module}.{qualname}"


def main_module_name() -> str:
    """The name under which workers import the main module: its own for ``python -m``, else the file's stem."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None and spec.name not in ("__main__", ""):
        return str(spec.name)
    file = getattr(main, "__file__", None)
    return os.path.splitext(os.path.basename(file))[0] if file else "__main__"


def main_module_problem() -> str | None:
    """Why tasks defined in the main module can't run in a worker, with the remedy; None if they can."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None and spec.name not in ("__main__", ""):
        return None
    file = getattr(main, "__file__", None)
    if not file or not os.path.isfile(file):
        return "the main module has no file that a worker could import (an interactive session?): move it to a module"
    if _has_main_guard(file):
        return None
    return (
        f"the main module {file} starts the application when it is imported, so no worker can import it: "
        'put that part under `if __name__ == "__main__":`, or move the function to another module'
    )


def check_main_module(user: str) -> None:
    """Raise TaskDefinitionError if no worker could import the main module, which ``user`` is in."""
    if problem := main_module_problem():
        raise TaskDefinitionError(f"{user} can't run in a worker: {problem}")


@functools.cache
def _has_main_guard(file: str) -> bool:
    import ast  # dear, and only for tasks of a main module

    with open(file, "rb") as source:
        tree = ast.parse(source.read())
    return any(
        isinstance(statement, ast.If)
        and any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(statement.test))
        for statement in tree.body
    )


def module_of(function: Callable[..., Any]) -> str:
    """The module that a worker imports to have this function defined."""
    module: str = function.__module__
    return main_module_name() if module == "__main__" else module


# -- functions ---------------------------------------------------------------------------------------------


def is_async(function: Callable[..., Any]) -> bool:
    """``inspect.iscoroutinefunction``, which is dear, is only asked about what is no plain function."""
    if isinstance(function, FunctionType) and not function.__dict__:
        return bool(function.__code__.co_flags & _CO_COROUTINE)
    import inspect

    return inspect.iscoroutinefunction(function)


_CO_COROUTINE = 0x80  # inspect.CO_COROUTINE


# -- arguments ---------------------------------------------------------------------------------------------


def _argument_check(function: Callable[..., Any]) -> Callable[[tuple[Any, ...], dict[str, Any]], None]:
    """A check that raises the TypeError which calling the function with these arguments would raise."""
    code: CodeType | None = getattr(function, "__code__", None)
    signature: inspect.Signature | None = None

    def check_by_signature(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        nonlocal signature
        if signature is None:
            import inspect  # dear, and most calls fit at a glance

            try:
                signature = inspect.signature(function)
            except (TypeError, ValueError):  # some builtins have none
                return
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{getattr(function, '__qualname__', function)}(): {error}") from None

    if code is None or hasattr(function, "__wrapped__"):
        return check_by_signature
    most = code.co_argcount
    least = most - len(getattr(function, "__defaults__", None) or ())
    keyword_only = code.co_kwonlyargcount

    def check(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if kwargs or keyword_only or not least <= len(args) <= most:
            check_by_signature(args, kwargs)

    return check
