"""Which functions can be tasks, under which names, with which arguments."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any, cast

import pytest

from autocron import Autocron, TaskResult
from autocron.errors import ConfigurationError, TaskDefinitionError
from autocron.options import Options
from autocron.tasks import Request, Task, main_module_name, main_module_problem, task_name


class Recorder:
    """An engine that only notes what it was asked for."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def submit(self, requests: Sequence[Request]) -> list[TaskResult[Any]]:
        self.requests += requests
        return [TaskResult(cast(Any, None), str(number)) for number in range(len(requests))]


def plain(a: int, b: int = 2, /, c: int = 3, *, d: int = 4) -> int:
    return a + b + c + d


def no_arguments() -> None:
    pass


def any_arguments(*args: int, **kwargs: int) -> None:
    pass


def required_keyword(*, d: int) -> None:
    pass


class InAClass:
    @staticmethod
    def method(a: int) -> int:
        return a


def wrapping(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


@pytest.fixture
def engine() -> Recorder:
    return Recorder()


def task_of(function: Callable[..., Any], engine: Recorder | None = None) -> Task[..., Any]:
    return Task(function, Options(), lambda: engine or Recorder())


# -- names -------------------------------------------------------------------------------------------------


def test_a_task_is_named_by_its_module_and_function() -> None:
    assert task_name(plain) == f"{__name__}.plain"
    assert task_name(InAClass.method) == f"{__name__}.InAClass.method"
    assert task_name(wrapping(plain)) == f"{__name__}.plain"


def test_a_task_looks_like_its_function() -> None:
    task = task_of(plain)
    assert [getattr(task, name) for name in ("__name__", "__module__", "__wrapped__")] == ["plain", __name__, plain]
    assert repr(task) == f"<Task {__name__}.plain>"
    assert task.call(1, 1, d=1) == 6


@pytest.mark.parametrize(
    "function, words",
    [
        (lambda: None, "a lambda .*can't be a task: a worker finds tasks by name. Write it as a function with `def`"),
        (functools.partial(plain, 1), "is no function; decorate a function defined with `def`"),
        (5, "5 is no function; decorate a function defined with `def`"),
        (None, "None is no function"),
        ("text".upper, r"def"),
    ],
)
def test_g9_what_no_worker_could_find_is_refused_with_the_remedy(function: Any, words: str) -> None:
    with pytest.raises(TaskDefinitionError, match=words):
        task_of(function)


def test_g9_a_nested_function_is_refused_with_the_remedy() -> None:
    def nested() -> None:
        pass

    with pytest.raises(TaskDefinitionError, match=r"'nested' is defined inside 'test_g9.*move it to the top level"):
        task_of(nested)


def test_a_task_is_decorated_once() -> None:
    autocron = Autocron()
    task = autocron.delay(no_arguments)
    with pytest.raises(TaskDefinitionError, match="is a task already"):
        autocron.delay(task)


def test_the_decorator_says_what_is_wrong_with_its_options() -> None:
    with pytest.raises(ConfigurationError, match="@delay has no option 'retrys': did you mean 'retries'"):
        Autocron().delay(retrys=3)  # type: ignore[call-overload]


def test_a_task_keeps_a_name_that_was_given() -> None:
    assert Autocron().delay(name="mail.send")(no_arguments).name == "mail.send"


# -- the main module ---------------------------------------------------------------------------------------


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> types.ModuleType:
    module = types.ModuleType("__main__")
    module.__file__ = str(tmp_path / "app.py")
    module.__spec__ = None
    monkeypatch.setitem(sys.modules, "__main__", module)
    return module


def in_main(main: types.ModuleType) -> Callable[[], None]:
    exec("def work():\n    pass", main.__dict__)
    work: Callable[[], None] = main.__dict__["work"]
    work.__module__ = "__main__"
    return work


def test_g9_a_task_of_a_script_is_named_by_its_file(main: types.ModuleType) -> None:
    assert task_name(in_main(main)) == "app.work"


def test_g9_a_task_of_python_dash_m_is_named_by_its_module(main: types.ModuleType) -> None:
    main.__spec__ = ModuleSpec("package.app", None)
    assert main_module_name() == "package.app"
    assert main_module_problem() is None


@pytest.mark.parametrize("guard", ['if __name__ == "__main__":', "if '__main__' == __name__:"])
def test_g9_a_guarded_script_can_be_imported_by_workers(main: types.ModuleType, guard: str) -> None:
    Path(str(main.__file__)).write_text(f"x = 1\n{guard}\n    pass\n")
    assert main_module_problem() is None


def test_g9_an_unguarded_script_is_named_with_the_remedy(main: types.ModuleType) -> None:
    Path(str(main.__file__)).write_text("import flask\nflask.Flask('app').run()\n")
    problem = main_module_problem()
    assert problem is not None
    assert str(main.__file__) in problem
    assert 'put that part under `if __name__ == "__main__":`, or move the function to another module' in problem


def test_g9_an_interactive_session_has_nothing_to_import(main: types.ModuleType) -> None:
    main.__file__ = None
    problem = main_module_problem()
    assert problem is not None
    assert "move it to a module" in problem


# -- arguments ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function, args, kwargs",
    [
        (plain, (), {}),
        (plain, (1, 2, 3, 4), {}),
        (plain, (1,), {"b": 2}),
        (plain, (1,), {"x": 2}),
        (plain, (1, 2, 3), {"c": 3}),
        (no_arguments, (1,), {}),
        (required_keyword, (), {}),
        (required_keyword, (1,), {}),
        (wrapping(plain), (), {}),
        (InAClass.method, (), {}),
    ],
)
def test_g20_arguments_that_do_not_fit_raise_at_the_call(
    engine: Recorder, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    with pytest.raises(TypeError):
        function(*args, **kwargs)
    with pytest.raises(TypeError, match=function.__qualname__):
        _ = task_of(function, engine)(*args, **kwargs)
    assert engine.requests == []


@pytest.mark.parametrize(
    "function, args, kwargs",
    [
        (plain, (1,), {}),
        (plain, (1, 2, 3), {"d": 4}),
        (plain, (1,), {"c": 3, "d": 4}),
        (any_arguments, (1, 2, 3), {"x": 1}),
        (any_arguments, (), {}),
        (required_keyword, (), {"d": 1}),
        (wrapping(plain), (1,), {}),
    ],
)
def test_arguments_that_fit_are_passed_on(
    engine: Recorder, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    _ = task_of(function, engine)(*args, **kwargs)
    (request,) = engine.requests
    assert (request.args, request.kwargs) == (args, kwargs)


def test_map_is_one_request_for_all(engine: Recorder) -> None:
    task = task_of(plain, engine)
    assert len(task.map([(1,), [1, 2]])) == 2
    assert [request.args for request in engine.requests] == [(1,), (1, 2)]
    assert task.map([]) == []


@pytest.mark.parametrize(
    "calls, words", [(["text"], r"item 0 is 'text'; write a tuple"), ([(1,), 5], r"item 1 is 5; write a tuple")]
)
def test_g20_map_takes_all_or_none(engine: Recorder, calls: list[Any], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        task_of(plain, engine).map(calls)
    with pytest.raises(TypeError, match="plain"):
        task_of(plain, engine).map([(1,), ()])
    assert engine.requests == []


def test_options_make_another_task_of_the_same_function(engine: Recorder) -> None:
    task = task_of(plain, engine)
    _ = task.options(retries=3)(1)
    _ = task(1)
    assert [request.task.job_options.policy.retries for request in engine.requests] == [3, 0]
    with pytest.raises(ConfigurationError, match=r"plain\.options\(\) has no option 'second': did you mean 'seconds'"):
        task.options(second=3)  # type: ignore[call-arg]
