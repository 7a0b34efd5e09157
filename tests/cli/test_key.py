import ctypes
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyipcs.model import Kind
from tests.kit.kernel import Objects
from tests.kit.program import as_nobody, invoke

_LIBC = ctypes.CDLL(None)
PROJECTS = st.integers(1, 255)
NAMES = st.binary(min_size=1, max_size=40).filter(
    lambda name: not {0, ord("/")} & {*name} and name not in {b".", b".."}
)


def of_c(path: bytes, project: int) -> str:
    return f"0x{_LIBC.ftok(path, project) & 0xFFFFFFFF:08x}\n"


@settings(
    max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=NAMES, project=PROJECTS)
def test_the_key_is_that_of_c(tmp_path: Path, name: bytes, project: int) -> None:
    path = os.fsencode(tmp_path) + b"/" + name
    Path(os.fsdecode(path)).touch()
    result = invoke("key", "--", os.fsdecode(path), str(project))
    assert result == (0, of_c(path, project), "")


def test_projects() -> None:
    assert invoke("key", "/").out == invoke("key", "/", "1").out == of_c(b"/", 1)
    assert invoke("key", "/", "A").out == invoke("key", "/", "65").out == of_c(b"/", 65)
    for project in ("0", "256", "-1", "ab", "é", ""):
        result = invoke("key", "/", project)
        assert (result.status, result.out) == (2, "")
        assert "the project is a number from 1 to 255" in result.err


def test_it_is_the_key_that_others_take(objects: Objects, tmp_path: Path) -> None:
    path = tmp_path / "a:1"
    path.touch()
    key = invoke("key", str(path), "7").out.strip()
    msqid = objects.queue(int(key, 16) if int(key, 16) < 2**31 else int(key, 16) - 2**32)
    assert invoke("stat", key).out == invoke("stat", f"ftok:{path}:7").out
    assert f"msqid {msqid}" in invoke("stat", key).out


def test_which_objects_have_it(objects: Objects, tmp_path: Path) -> None:
    key = invoke("key", str(tmp_path)).out
    assert invoke("key", "-v", str(tmp_path)).out == key
    number = int(key, 16)
    signed = number if number < 2**31 else number - 2**32
    msqid, semid = objects.queue(signed, mode=0), objects.make(Kind.SEMAPHORE, signed)
    expected = f"{key}message queue {msqid}\nsemaphore set {semid}\n"
    assert invoke("key", "-v", str(tmp_path)).out == expected


@pytest.mark.parametrize("path", ["nosuch", "", "/dev/null/x"])
def test_a_path_that_is_none(path: str) -> None:
    result = invoke("key", path)
    assert (result.status, result.out, result.err.count("\n")) == (2, "", 1)


def test_no_path() -> None:
    assert invoke("key").err == "pyipcs: key: PATH is missing (see pyipcs key --help)\n"


@pytest.mark.root
def test_of_a_folder_that_cannot_be_looked_into(tmp_path: Path) -> None:
    assert as_nobody("key", "/").out == invoke("key", "/").out
