from collections.abc import Callable
from fractions import Fraction

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyipcs.cli import types
from pyipcs.cli.types import parse_bytes, parse_mode, parse_qbytes, parse_size
from pyipcs.model import By, Kind, Target
from tests.kit.kernel import Objects, row
from tests.kit.program import run

PREFIXES = "KMGTPEZY"


@pytest.mark.tools("ipcmk")
@pytest.mark.parametrize(
    "text",
    ["1", "4096", "1K", "2KiB", "1kib", "3KB", "3kb", "0x10K", "010", "1M", "1.5K", "7mB", "2.K"],
)
def test_parse_size_agrees_with_ipcmk(objects: Objects, text: str) -> None:
    result = run("ipcmk", "-M", text)
    shmid = objects.adopt(Kind.SEGMENT, int(result.out.split()[-1]))
    assert parse_size(text) == int(row(Kind.SEGMENT, shmid)["size"])


@given(st.integers(1, 2**40), st.sampled_from(PREFIXES), st.sampled_from(["", "iB", "B"]))
def test_parse_size_multiplies_by_the_unit(number: int, prefix: str, suffix: str) -> None:
    size = number * (1000 if suffix == "B" else 1024) ** (PREFIXES.index(prefix) + 1)
    text = f"{number}{prefix}{suffix}"
    if size < 2**64:
        assert parse_size(text) == size
    else:
        with pytest.raises(ValueError, match="too large"):
            parse_size(text)


@given(st.decimals(1, 1000, places=4), st.sampled_from("KMG"))
def test_parse_size_of_a_fraction_is_exact(number: object, prefix: str) -> None:
    exact = Fraction(str(number)) * 1024 ** (PREFIXES.index(prefix) + 1)
    assert parse_size(f"{number}{prefix}") == int(exact)


@pytest.mark.tools("ipcmk")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "K",
        "-1",
        "-1K",
        "1.5",
        "1.",
        "08",
        "1iB",
        "1B",
        "1 K",
        "1KK",
        "1KiBx",
        "1KIB",
        "٣K",
    ],
)
def test_parse_size_rejects_the_same_as_ipcmk(text: str) -> None:
    with pytest.raises(ValueError, match="not a size"):
        parse_size(text)
    assert run("ipcmk", "-M", text).status == 1


def test_parse_size_rejects_0_but_parse_bytes_takes_it() -> None:
    with pytest.raises(ValueError, match="1 byte"):
        parse_size("0")
    assert parse_bytes("0") == 0


def test_parse_size_takes_any_number_of_digits() -> None:
    assert parse_size(f"1.{'0' * 5000}1K") == 1024
    assert parse_size(f"{'0' * 5000}10") == 8
    for text in ("9" * 5000, "1" + "0" * 26):
        with pytest.raises(ValueError, match="too large"):
            parse_size(text)
        with pytest.raises(ValueError, match="too large"):
            types.parse_nsems(text)


def test_parse_qbytes_rejects_more_than_the_kernel_stores() -> None:
    assert parse_qbytes("4K") == 4096
    assert parse_qbytes("2147483647") == 2**31 - 1
    for text in ("2147483648", "4294967297", "2G"):
        with pytest.raises(ValueError, match="the maximum is 2147483647"):
            parse_qbytes(text)


@given(st.integers(0, 0o777))
def test_parse_mode_reads_octal_digits(mode: int) -> None:
    assert parse_mode(f"{mode:o}") == parse_mode(f"0{mode:o}") == parse_mode(f"{mode:04o}") == mode


@pytest.mark.parametrize("text", ["", "8", "1" * 23, "7" * 22, "u+rw", "-1", "0x1", "64 "])
def test_parse_mode_rejects_other_texts(text: str) -> None:
    with pytest.raises(ValueError, match="not a mode"):
        parse_mode(text)


@pytest.mark.parametrize(
    ("param", "text", "value"),
    [
        (types.NSEMS, "5", 5),
        (types.NSEMS, " +5", 5),
        (types.VALUES, "1,0,32767", (1, 0, 32767)),
        (types.QBYTES, "0", 0),
        (types.id_type(), "007", Target(By.ID, 7, "007")),
    ],
)
def test_params_return_values(param: Callable[[str], object], text: str, value: object) -> None:
    assert param(text) == value


@pytest.mark.parametrize(
    ("param", "text"),
    [
        (types.NSEMS, "0"),
        (types.NSEMS, "-1"),
        (types.NSEMS, "2147483648"),
        (types.NSEMS, "five"),
        (types.VALUES, ""),
        (types.VALUES, "1,"),
        (types.VALUES, "32768"),
        (types.VALUES, "-1"),
        (types.QBYTES, "18446744073709551616"),
        (types.id_type(), "0x5"),
        (types.key_type(), "zero"),
        (types.OWNER, "nobody-has-this-name"),
    ],
)
def test_params_errors_start_with_the_text(param: Callable[[str], object], text: str) -> None:
    with pytest.raises(click.BadParameter) as caught:
        param(text)
    assert caught.value.message.startswith(f"'{text}': ")
