"""Programs in C that use /dev/shm."""

from collections.abc import Callable

import pytest

from tests.kit.program import Result, compile_c, run


@pytest.fixture(scope="session")
def c_binary(compiled: Callable[[str], str]) -> str:
    """Return the path of tests/c/shm.c, compiled."""
    return compiled("shm")


@pytest.fixture(scope="session")
def c_program(c_binary: str) -> Callable[..., Result]:
    """Return a runner of tests/c/shm.c."""
    return lambda *args: run(c_binary, *args)


@pytest.fixture(scope="session")
def musl_program(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Result]:
    """Return a runner of tests/c/shm.c with musl."""
    folder = tmp_path_factory.mktemp("musl")
    program = compile_c("shm", folder, "-static", compiler="musl-gcc")
    return lambda *args: run(program, *args)
