"""The public names of pyipcs.sysv, and the example in its documentation."""

import inspect
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pyipcs import sysv
from tests.kit.kernel import everything
from tests.kit.program import run

OUTPUT = "[7]\nb'hello'\n0 True\nNo such file or directory\n"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """Write the example of the package's docstring to a file, unchanged."""
    text = inspect.cleandoc(sysv.__doc__ or "").partition("Example:\n")[2]
    path = tmp_path / "example.py"
    path.write_text(textwrap.dedent(text) + "\n")
    return path


def test_example_runs_and_leaves_no_object(example: Path, isolated: None) -> None:
    assert run(sys.executable, str(example)) == (0, OUTPUT, "")
    assert not everything()


@pytest.mark.slow
@pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is not installed")
def test_example_passes_strict_mypy(example: Path) -> None:
    mypy = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(example.parent / "cache")]
    done = subprocess.run(
        [*mypy, str(example)], cwd=example.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is not installed")
def test_unknown_name_fails_in_mypy(tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text("from pyipcs.sysv import MesageQueue\n")
    mypy = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache")]
    done = subprocess.run(
        [*mypy, "wrong.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert 'has no attribute "MesageQueue"' in done.stdout


@pytest.mark.parametrize("name", sysv.__all__)
def test_public_name_has_docstring_and_annotations(name: str) -> None:
    value = getattr(sysv, name)
    if name == "SysvRecord":  # a union of documented types
        return
    assert inspect.getdoc(value), name
    functions = [value] if inspect.isfunction(value) else _methods(value)
    for function in functions:
        signature = inspect.signature(function)
        missing = [
            parameter.name
            for parameter in signature.parameters.values()
            if parameter.annotation is parameter.empty and parameter.name not in {"self", "cls"}
        ]
        assert not missing, f"{function.__qualname__}: {missing}"
        assert signature.return_annotation is not signature.empty, function.__qualname__
        assert inspect.getdoc(function), function.__qualname__


def _methods(value: Any) -> list[Any]:
    """Return the public methods that pyipcs defines in a class."""
    return [
        method
        for name, method in inspect.getmembers(value, inspect.isroutine)
        if not name.startswith("_") and getattr(method, "__module__", "").startswith("pyipcs.")
    ]


def test_unknown_name_raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'MesageQueue'"):
        _ = sysv.MesageQueue  # type: ignore[attr-defined] # it is wrong


def test_import_of_the_package_loads_no_module() -> None:
    script = "import sys, pyipcs.sysv; print(*(name for name in sys.modules if 'pyipcs.' in name))"
    assert run(sys.executable, "-c", script).out == "pyipcs.sysv\n"


def test_names_are_those_of_the_modules() -> None:
    assert sorted(sysv._MODULES) == sorted(sysv.__all__)
