import ctypes
import os
import random
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyipcs.errors import DeniedError, NotFoundError
from pyipcs.model import Kind
from pyipcs.sysv.segment import SharedMemory
from tests.kit.factories import ask_departed
from tests.kit.kernel import NOBODY, Objects, attached, row
from tests.kit.program import PYIPCS, run

PAGE = os.sysconf("SC_PAGESIZE")
MANY = 600 * PAGE + 5  # more than two pieces


def read_all(shmid: int, size: int) -> bytes:
    with attached(shmid) as address:
        return ctypes.string_at(address, size)


@settings(
    max_examples=40,
    # Each example removes its segment.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    pages=st.sets(st.integers(0, 600), max_size=20),
    start=st.integers(0, MANY),
    length=st.integers(0, MANY),
)
def test_read_gives_the_bytes_and_touches_no_page(
    objects: Objects, pages: set[int], start: int, length: int
) -> None:
    """Pages that were never touched read as zeros and stay without memory."""
    shmid = objects.segment(size=MANY)
    expected = bytearray(MANY)
    with attached(shmid) as address:
        for page in pages:
            offset, byte = min(page * PAGE + page, MANY - 1), page % 255 + 1
            ctypes.memset(address + offset, byte, 1)
            expected[offset] = byte
    held = row(Kind.SEGMENT, shmid)["rss"]
    end = min(start + length, MANY)
    with SharedMemory(shmid).attach(read_only=True) as memory:
        found = b"".join(bytes(piece) for piece in memory.read(start, end))
    assert found == expected[start:end]
    assert row(Kind.SEGMENT, shmid)["rss"] == held
    objects.remove_all()


def test_fill_writes_its_range_alone(objects: Objects) -> None:
    shmid = objects.segment(size=MANY)
    data = random.Random(5).randbytes(MANY)
    for start, length in ((0, MANY), (7, 3 * 2**20), (MANY - 1, 1), (MANY, 0), (4095, 2)):
        end = min(start + length, MANY)
        rest = memoryview(data)[start:end]

        def source(room: memoryview) -> int:
            nonlocal rest
            size = min(len(room), 50_000, len(rest))
            room[:size] = rest[:size]
            rest = rest[size:]
            return size

        before = read_all(shmid, MANY)
        with SharedMemory(shmid).attach(read_only=False) as memory:
            assert memory.fill(start, source) == end
        assert read_all(shmid, MANY) == before[:start] + data[start:end] + before[end:]


def test_fill_of_few_bytes_touches_one_page(objects: Objects) -> None:
    shmid = objects.segment(size=100 * 2**20)
    parts = iter((b"abc", b""))

    def source(room: memoryview) -> int:
        part = next(parts)
        room[: len(part)] = part
        return len(part)

    with SharedMemory(shmid).attach(read_only=False) as memory:
        assert memory.fill(50 * 2**20, source) == 50 * 2**20 + 3
    assert row(Kind.SEGMENT, shmid)["rss"] == str(PAGE)


def test_read_releases_memory_it_has_read(objects: Objects) -> None:
    size = 64 * 2**20
    shmid = objects.segment(size=size)
    with attached(shmid) as address:
        ctypes.memset(address, 1, size)
    with SharedMemory(shmid).attach(read_only=True) as memory:
        most = max(resident() for _ in memory.read(0, size))
    assert most - resident() < 8 * 2**20


def resident() -> int:
    """Return the bytes of this process in memory (proc_pid_statm(5))."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


@pytest.mark.tools("strace")
@pytest.mark.parametrize("size", [1, PAGE, PAGE + 1, 2**20, 2**20 + 1, MANY])
def test_read_and_write_advise_no_page_after_the_segment(objects: Objects, size: int) -> None:
    """The pages after it may hold other data, which MADV_DONTNEED would lose."""
    shmid = str(objects.segment(size=size))
    strace = ["strace", "-e", "trace=shmat,madvise,mincore"]
    for command in (["read", shmid], ["write", shmid, "x", "--offset", str(size - 1)]):
        text = run(*strace, PYIPCS, *command).err
        begin = int(re.findall(r"shmat\(.*\) += (0x\w+)", text)[0], 16)
        end = begin + -(-size // PAGE) * PAGE
        advised = re.findall(r"^m\w+\((0x\w+), (\d+),", text.partition("shmat")[2], re.MULTILINE)
        assert advised
        for address, length in advised:
            assert begin <= int(address, 16)
            assert int(address, 16) + -(-int(length) // PAGE) * PAGE <= end


def test_read_gives_huge_pages(objects: Objects) -> None:
    """mincore(2) does not report them, so that every page is read."""
    try:
        shmid = objects.segment(size=4 * 2**20, flags=0o4000)  # SHM_HUGETLB
    except OSError as error:
        pytest.skip(f"no huge pages: {error.strerror}")
    with attached(shmid) as address:
        ctypes.memset(address + 3 * 2**20, 7, 10)
    with SharedMemory(shmid).attach(read_only=True) as memory:
        found = b"".join(bytes(piece) for piece in memory.read(0, 4 * 2**20))
    assert found.strip(b"\0") == b"\7" * 10


def test_fill_of_read_only_attachment_fails(objects: Objects) -> None:
    with (
        SharedMemory(objects.segment()).attach(read_only=True) as memory,
        pytest.raises(TypeError, match="read-only"),
    ):
        memory.fill(0, write_byte)


def test_attach_of_unused_id_fails() -> None:
    with pytest.raises(NotFoundError):
        SharedMemory(2**31 - 1).attach(read_only=True)


def write_byte(room: memoryview) -> int:
    room[:1] = b"a"
    return 1


@pytest.mark.root
def test_attach_for_writing_without_permission_fails(objects: Objects) -> None:
    shmid = objects.segment(mode=0o444)

    def ask() -> str:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        SharedMemory(shmid).attach(read_only=True)
        with pytest.raises(DeniedError):
            SharedMemory(shmid).attach(read_only=False)
        return "denied"

    assert ask_departed(ask) == "denied"
