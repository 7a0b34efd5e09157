import ctypes
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyipcs.model import Kind
from tests.kit.kernel import Objects
from tests.kit.outputs import without_unreadable
from tests.kit.program import as_nobody, invoke

_LIBC = ctypes.CDLL(None)
PROJECTS = st.integers(1, 255)
NAMES = st.binary(min_size=1, max_size=40).filter(
    lambda name: not {0, ord("/")} & {*name} and name not in {b".", b".."}
)


def ftok(path: bytes, project: int) -> str:
    return f"0x{_LIBC.ftok(path, project) & 0xFFFFFFFF:08x}\n"


def signed(key: str) -> int:
    """Return a key as the key_t that C takes."""
    return ctypes.c_int32(int(key, 16)).value


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a folder for all examples of a test."""
    return tmp_path_factory.mktemp("key")


@given(name=NAMES, project=PROJECTS)
def test_key_of_any_path_is_that_of_ftok(folder: Path, name: bytes, project: int) -> None:
    path = os.fsencode(folder) + b"/" + name
    Path(os.fsdecode(path)).touch()
    result = invoke("key", "--", os.fsdecode(path), str(project))
    assert result == (0, ftok(path, project), "")


def test_key_project_is_1_or_the_given_number_or_character() -> None:
    assert invoke("key", "/").out == invoke("key", "/", "1").out == ftok(b"/", 1)
    assert invoke("key", "/", "A").out == invoke("key", "/", "65").out == ftok(b"/", 65)


@pytest.mark.parametrize("project", ["4294967296", "0x", "é", "", "1.5"])
def test_key_wrong_project_fails(project: str) -> None:
    result = invoke("key", "/", project)
    assert (result.status, result.out, result.err.count("\n")) == (2, "", 1)


def test_key_names_the_same_object_as_ftok_path(objects: Objects, tmp_path: Path) -> None:
    path = tmp_path / "a:1"
    path.touch()
    key = invoke("key", str(path), "7").out.strip()
    msqid = objects.queue(signed(key))
    by_key, by_path = (invoke("stat", name).out for name in (key, f"ftok:{path}:7"))
    assert f"msqid {msqid}" in by_key
    assert without_unreadable(by_path) == without_unreadable(by_key)


def test_key_verbose_lists_the_objects_with_the_key(objects: Objects, tmp_path: Path) -> None:
    key = invoke("key", str(tmp_path)).out
    assert invoke("key", "-v", str(tmp_path)).out == key
    msqid = objects.queue(signed(key), mode=0)
    semid = objects.make(Kind.SEMAPHORE, signed(key))
    expected = f"{key}message queue {msqid}\nsemaphore set {semid}\n"
    assert invoke("key", "-v", str(tmp_path)).out == expected


def test_key_path_below_a_file_fails() -> None:
    result = invoke("key", "/dev/null/x")
    assert (result.status, result.out, result.err.count("\n")) == (2, "", 1)


@pytest.mark.root
def test_key_of_a_root_folder_needs_no_permission(tmp_path: Path) -> None:
    assert as_nobody("key", "/").out == invoke("key", "/").out
