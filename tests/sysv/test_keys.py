import ctypes
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyipcs.model import By, Target
from pyipcs.sysv.keys import format_key, ftok, parse_id, parse_key, parse_target
from pyipcs.text import parse_number

_libc = ctypes.CDLL(None)
_libc.strtoll.argtypes = (ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int)
_libc.strtoll.restype = ctypes.c_longlong


def strtoll(text: str) -> int | None:
    """Return what strtoll(3) reads in base 0; None if not the whole text."""
    data = ctypes.create_string_buffer(text.encode())
    end = ctypes.c_char_p()
    number = int(_libc.strtoll(ctypes.cast(data, ctypes.c_char_p), ctypes.byref(end), 0))
    return number if text and end.value == b"" else None


@given(st.text("0123456789abcdefxX+- ", max_size=12).filter(lambda text: "\0" not in text))
def test_parse_number_reads_the_same_as_strtoll(text: str) -> None:
    expected = strtoll(text)
    if expected is None:
        with pytest.raises(ValueError, match="not a number"):
            parse_number(text)
    else:
        assert parse_number(text) == expected


@given(st.integers(-(2**31), 2**31 - 1).filter(bool))
def test_parse_key_reads_format_key_back(key: int) -> None:
    shown = format_key(key)
    assert len(shown) == 10
    assert parse_key(shown) == key
    assert parse_target(shown) == Target(By.KEY, key, shown)
    for text in (str(key), f"key:{key}", str(key % 2**32), f"key:{shown}"):
        assert parse_key(text) == key


@given(st.integers(0, 2**31 - 1))
def test_parse_target_reads_a_decimal_id_back(number: int) -> None:
    assert parse_target(str(number)) == Target(By.ID, number, str(number))
    assert parse_target(f"id:{number}") == Target(By.ID, number, f"id:{number}")
    assert parse_id(f"00{number}") == number


@pytest.mark.parametrize(
    ("text", "key"),
    [("5", 5), ("010", 8), ("0x10", 16), ("-1", -1), ("4294967295", -1), ("-0x80000000", -(2**31))],
)
def test_parse_key_reads_numbers_in_base_0(text: str, key: int) -> None:
    assert parse_key(text) == key


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0", "IPC_PRIVATE"),
        ("0x0", "IPC_PRIVATE"),
        ("key:0", "IPC_PRIVATE"),
        ("", "not a key"),
        ("abc", "not a key"),
        ("08", "not a key"),
        ("1_000", "not a key"),
        ("0b1", "not a key"),
        ("1 ", "not a key"),
        ("٣", "not a key"),
        ("key:", "not a key"),
        ("key:x", "not a key"),
        ("0x100000000", "32 bits"),
        ("-2147483649", "32 bits"),
        ("ftok:/nowhere/at/all", "No such file"),
        ("ftok:", "No such file"),
        ("ftok:/:4294967296", "project"),
        ("ftok:/:-2147483649", "project"),
        ("ftok:/:ab", "project"),
        ("ftok:/:", "project"),
    ],
)
def test_parse_key_invalid_text_fails(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_key(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not an id"),
        ("abc", "not an id"),
        ("-5", "not an id"),
        ("5x", "not an id"),
        ("id:0x5", "not an id"),
        ("id:2147483648", "highest"),
        ("2147483648", "highest"),
        ("0111", "id:111 or key:0111"),
        ("00", "id:0 or key:00"),
        ("0x", "not a key"),
        ("key:0", "IPC_PRIVATE"),
    ],
)
def test_parse_target_invalid_text_fails(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_target(text)


def test_parse_target_keeps_the_text() -> None:
    assert parse_target("0") == Target(By.ID, 0, "0")
    assert parse_target("0X1F") == Target(By.KEY, 0x1F, "0X1F")
    assert parse_target("key:010") == Target(By.KEY, 8, "key:010")


@given(project=st.integers(1, 255))
def test_ftok_gives_the_key_of_ftok_3(
    tmp_path_factory: pytest.TempPathFactory, project: int
) -> None:
    path = tmp_path_factory.mktemp("ftok") / f"file:{project}"
    path.touch()
    expected = _libc.ftok(str(path).encode(), project)
    assert ftok(str(path), project) == expected
    assert parse_target(f"ftok:{path}:{project}").number == expected


def test_parse_key_ftok_takes_a_path_that_is_not_utf8(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff"
    Path(os.fsdecode(path)).touch()
    assert parse_key(f"ftok:{os.fsdecode(path)}") == _libc.ftok(path, 1)
    with pytest.raises(ValueError, match="No such file"):
        parse_key(f"ftok:{os.fsdecode(path)}missing")


def test_parse_key_ftok_path_with_colon_gives_a_hint(tmp_path: Path) -> None:
    path = tmp_path / "a:b"
    path.touch()
    with pytest.raises(ValueError, match=r"\(ftok:.*/a:b:1\?\)$"):
        parse_key(f"ftok:{path}")


@pytest.mark.parametrize("zeros", [0, 1, 5000])
def test_parse_number_takes_any_leading_zeros(zeros: int) -> None:
    assert parse_id("0" * zeros + "5") == 5
    assert parse_number("0x" + "0" * zeros + "5") == 5


def test_parse_number_of_many_digits_fails() -> None:
    for text in ("9" * 5000, "7" * 26):
        with pytest.raises(ValueError, match="the highest is"):
            parse_id(text)
        with pytest.raises(ValueError, match="32 bits"):
            parse_key(text)
        with pytest.raises(ValueError, match="project"):
            parse_key(f"ftok:/:{text}")


def test_parse_key_ftok_project_is_a_number_or_a_letter() -> None:
    assert parse_key("ftok:/:1") == parse_key("ftok:/")
    assert parse_key("ftok:/:A") == parse_key("ftok:/:65") == _libc.ftok(b"/", 65)
