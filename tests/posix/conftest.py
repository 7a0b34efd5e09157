"""Files in /dev/shm, and programs in C that use it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyipcs.posix import directory
from tests.kit.posix import ShmFiles
from tests.kit.program import Result, need_tool, run

_SOURCE = str(Path(__file__).parents[1] / "c" / "shm.c")


@pytest.fixture
def shm(own_shm: None) -> Iterator[ShmFiles]:
    """Create files in an empty /dev/shm, and remove them after the test."""
    files = ShmFiles()
    directory.use_own()
    yield files
    directory.use_own()
    files.remove_all()


@pytest.fixture(scope="session")
def c_program(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Result]:
    """Return a runner of tests/c/shm.c."""
    program = str(tmp_path_factory.mktemp("c") / "shm")
    done = run(need_tool("cc"), "-o", program, _SOURCE, "-pthread", "-lrt")
    assert done.status == 0, done.err
    return lambda *args: run(program, *args)


@pytest.fixture(scope="session")
def musl_program(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Result]:
    """Return a runner of tests/c/shm.c with musl."""
    program = str(tmp_path_factory.mktemp("c") / "shm")
    done = run(need_tool("musl-gcc"), "-static", "-o", program, _SOURCE)
    assert done.status == 0, done.err
    return lambda *args: run(program, *args)
