"""Programs in C that use /dev/shm."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.program import Result, need_tool, run

_SOURCE = str(Path(__file__).parents[1] / "c" / "shm.c")


@pytest.fixture(scope="session")
def c_binary(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the path of tests/c/shm.c, compiled."""
    program = str(tmp_path_factory.mktemp("c") / "shm")
    done = run(need_tool("cc"), "-o", program, _SOURCE, "-pthread", "-lrt")
    assert done.status == 0, done.err
    return program


@pytest.fixture(scope="session")
def c_program(c_binary: str) -> Callable[..., Result]:
    """Return a runner of tests/c/shm.c."""
    return lambda *args: run(c_binary, *args)


@pytest.fixture(scope="session")
def musl_program(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Result]:
    """Return a runner of tests/c/shm.c with musl."""
    program = str(tmp_path_factory.mktemp("c") / "shm")
    done = run(need_tool("musl-gcc"), "-static", "-o", program, _SOURCE)
    assert done.status == 0, done.err
    return lambda *args: run(program, *args)
