"""pyipcs write: only the pages of the data become resident."""

import ctypes
import os
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from pyipcs.model import Kind
from tests.kit.kernel import Objects, attached, row
from tests.kit.program import PYIPCS, invoke, run
from tests.kit.terminal import end, start
from tests.kit.wait import LIMIT, wait_until

PAGE = os.sysconf("SC_PAGESIZE")
MIB = 2**20
SIZE = 8 * MIB


def resident(shmid: int) -> int:
    """Return the bytes of a segment in memory and in swap."""
    found = row(Kind.SEGMENT, shmid)
    return int(found["rss"]) + int(found["swap"])


def pages(offset: int, length: int) -> int:
    """Return the bytes of the pages that a range covers."""
    return (-(-(offset + length) // PAGE) - offset // PAGE) * PAGE if length else 0


@pytest.fixture
def shmid(objects: Objects) -> int:
    """Create a segment without pages; skip if the kernel counts no pages."""
    probe = objects.segment()
    if "rss" not in row(Kind.SEGMENT, probe):
        pytest.skip("this kernel does not report rss")
    shmid = objects.segment(size=SIZE)
    with attached(shmid) as address:
        ctypes.memset(address, 0, 1)
    if resident(shmid) != PAGE:
        pytest.skip("the kernel gives huge pages to segments")
    return objects.segment(size=SIZE)


def content(shmid: int, offset: int, length: int) -> bytes:
    with attached(shmid) as address:
        return ctypes.string_at(address + offset, length)


Writer = Callable[[Path, int, int], None]


def from_pipe(file: Path, shmid: int, offset: int) -> None:
    script = f'cat "{file}" | {PYIPCS} write {shmid} --offset {offset}'
    assert run("sh", "-c", script) == (0, "", "")


def from_file(file: Path, shmid: int, offset: int) -> None:
    assert invoke("write", f"{shmid}", "--offset", f"{offset}", "-F", str(file)) == (0, "", "")


def from_standard_input(file: Path, shmid: int, offset: int) -> None:
    script = f'{PYIPCS} write {shmid} --offset {offset} <"{file}"'
    assert run("sh", "-c", script) == (0, "", "")


def from_hex_digits(file: Path, shmid: int, offset: int) -> None:
    digits = file.with_suffix(".hex")
    digits.write_text(file.read_bytes().hex())
    args = ["--hex", "--offset", f"{offset}", "-F", str(digits)]
    assert invoke("write", f"{shmid}", *args) == (0, "", "")


@pytest.mark.parametrize("writer", [from_pipe, from_file, from_standard_input, from_hex_digits])
@pytest.mark.parametrize(
    ("offset", "length"),
    [
        (0, 0),
        (0, MIB),
        (0, MIB + 1),
        (PAGE - 1, 2),
        (MIB - 5, MIB + 5),
        (SIZE - MIB - 1, MIB + 1),
    ],
)
def test_write_makes_only_the_pages_of_the_data_resident(
    shmid: int, tmp_path: Path, writer: Writer, offset: int, length: int
) -> None:
    file = tmp_path / "data"
    file.write_bytes(os.urandom(length))
    writer(file, shmid, offset)
    assert resident(shmid) == pages(offset, length)
    assert content(shmid, offset, length) == file.read_bytes()


def test_write_of_structs_makes_only_their_pages_resident(shmid: int, tmp_path: Path) -> None:
    lines, number = tmp_path / "lines", MIB // 64 + 1
    lines.write_text("x\n" * number)
    args = ["--pack", "64s", "--offset", f"{PAGE - 64}", "-F", str(lines)]
    assert invoke("write", f"{shmid}", *args) == (0, "", "")
    assert resident(shmid) == pages(PAGE - 64, 64 * number)


@pytest.mark.parametrize("args", [["x"], ["--hex", "6162"], ["--pack", "16s", "x"]])
def test_write_of_an_argument_makes_one_page_resident(shmid: int, args: list[str]) -> None:
    assert invoke("write", f"{shmid}", "--offset", "1M", *args) == (0, "", "")
    assert resident(shmid) == PAGE


def test_write_from_a_pipe_makes_pages_resident_as_data_come(shmid: int) -> None:
    command = [PYIPCS, "write", f"{shmid}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin
        try:
            written = 0
            for length in (5, PAGE, MIB, MIB):
                process.stdin.write(b"x" * length)
                process.stdin.flush()
                written += length
                wait_until(partial(has_byte, shmid, written - 1))
                assert resident(shmid) == pages(0, written)
            process.communicate(timeout=LIMIT)
        finally:
            process.kill()
    assert process.returncode == 0


def has_byte(shmid: int, offset: int) -> bool:
    """Return True if a byte is set, without making its page resident."""
    if resident(shmid) < pages(0, offset + 1):
        return False
    return content(shmid, offset, 1) != b"\0"


def test_write_from_a_terminal_makes_one_page_resident(shmid: int) -> None:
    process, terminal = start([PYIPCS, "write", f"{shmid}"])
    try:
        os.write(terminal, b"hello\n")
        wait_until(lambda: has_byte(shmid, 5))
        assert resident(shmid) == PAGE
    finally:
        end(process, terminal)


def test_write_of_a_file_shorter_than_its_size_makes_one_page_resident(shmid: int) -> None:
    """Files of sysfs have the size of a page, however few bytes they hold."""
    file = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if not file.exists() or file.stat().st_size <= len(file.read_bytes()):
        pytest.skip("no file that has more size than bytes")
    offset = MIB - len(file.read_bytes())
    assert invoke("write", f"{shmid}", "--offset", f"{offset}", "-F", str(file)).status == 0
    assert resident(shmid) == PAGE
