"""Projects of ftok(3): any int; only the low 8 bits count."""

import ctypes
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.kernel import Objects
from tests.kit.program import invoke, need_tool, pyipcs, run

_LIBC = ctypes.CDLL(None)
INTS = st.one_of(
    st.integers(-(2**31), 2**31 - 1), st.sampled_from([0, 255, 256, 300, 0x11223344, -1])
)


def key_of(path: str, project: int) -> int:
    """Return the key that the C library makes."""
    return int(_LIBC.ftok(os.fsencode(path), project))


@given(project=INTS, hexadecimal=st.booleans())
def test_key_of_any_project_is_that_of_ftok(project: int, hexadecimal: bool) -> None:
    expected = f"0x{key_of('/', project) & 0xFFFFFFFF:08x}\n"
    text = f"{project:#x}" if hexadecimal else str(project)
    assert invoke("key", "--", "/", text) == (0, expected, "")


def test_key_unsigned_project_is_the_same_int() -> None:
    assert invoke("key", "/", "0xffffffff").out == invoke("key", "/", "--", "-1").out


def test_key_project_with_leading_zeros_is_decimal() -> None:
    assert invoke("key", "/", "010").out == invoke("key", "/", "10").out


@pytest.mark.parametrize("project", [0, 300, 0x11223344, -5])
def test_ftok_target_of_any_project_names_the_object(
    objects: Objects, tmp_path: Path, project: int
) -> None:
    msqid = objects.queue(key_of(str(tmp_path), project))
    assert f"msqid {msqid}" in invoke("stat", f"ftok:{tmp_path}:{project}").out


@pytest.mark.parametrize(("project", "low"), [("300", 44), ("0x11223344", 0x44), ("-1", 255)])
def test_key_verbose_reports_a_project_of_more_than_8_bits(project: str, low: int) -> None:
    result = invoke("key", "-v", "--", "/", project)
    line = f"pyipcs: project {int(project, 0)}: ftok uses only the low 8 bits ({low})\n"
    assert (result.status, result.err) == (0, line)
    assert invoke("key", "--", "/", project).err == ""


@pytest.mark.parametrize("project", ["0", "1", "255", "A"])
def test_key_verbose_reports_no_project_of_8_bits(project: str) -> None:
    assert invoke("key", "-v", "/", project).err == ""


@pytest.mark.tools("cc")
@pytest.mark.parametrize("name", [b"file", b"\xff"])
def test_ftok_key_0_is_refused_by_key_and_make(tmp_path: Path, name: bytes) -> None:
    """A preloaded library returns key 0: a test can create no such file."""
    source, library = tmp_path / "zero.c", tmp_path / "zero.so"
    source.write_text("int ftok(const char *path, int project) { return 0; }\n")
    run(need_tool("cc"), "-shared", "-fPIC", "-o", str(library), str(source))
    path = os.fsdecode(os.fsencode(tmp_path) + b"/" + name)
    Path(path).touch()
    env = {"LD_PRELOAD": str(library)}
    for args in (("key", path, "0"), ("make", "-Q", "-k", f"ftok:{path}:0")):
        result = pyipcs(*args, env=env)
        assert (result.status, result.out) == (2, "")
        assert "key 0 is IPC_PRIVATE" in result.err
        assert result.err.count("\n") == 1
