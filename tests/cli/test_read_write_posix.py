"""pyipcs read and write: POSIX segments, which are files in /dev/shm."""

import os
import resource
import signal
import struct
import subprocess
from multiprocessing import shared_memory
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.kit.kernel import NOBODY, Objects
from tests.kit.posix import (
    SHM,
    ShmFiles,
    child_in,
    glibc_semaphore,
    hold_lease,
    mount_tmpfs,
    own_mounts,
)
from tests.kit.program import (
    PYIPCS,
    elsewhere,
    forked,
    inline,
    invoke,
    ordinary,
    piped,
    run,
)
from tests.kit.wait import LIMIT, wait_until, wait_until_idle

PAGE = os.sysconf("SC_PAGESIZE")
SIZE = 100
PATH = SHM / "x"


@pytest.fixture(autouse=True)
def _segment(shm: ShmFiles) -> None:
    """Create the segment /x of 100 zeros."""
    shm.file("x", bytes(SIZE))


def blocks(path: Path) -> int:
    """Return the allocated bytes of a file."""
    return path.stat().st_blocks * 512


# -- read


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(max_size=SIZE), offset=st.integers(0, SIZE), length=st.integers(0, 2 * SIZE))
def test_read_returns_any_range_of_bytes(data: bytes, offset: int, length: int) -> None:
    whole = data.ljust(SIZE, b"\0")
    PATH.write_bytes(whole)
    args = ["read", "/x", "--offset", str(offset)]
    for words, expected in (
        ([], whole[offset:]),
        (["--length", str(length)], whole[offset:][:length]),
    ):
        found = inline(*args, *words)
        assert (found.status, found.err) == (0, "")
        assert os.fsencode(found.out) == expected


@pytest.mark.parametrize("args", [["-f", "hex"], ["--unpack", "6h"], ["--offset", "101"], ["-x"]])
def test_read_and_write_have_the_words_of_system_v(objects: Objects, args: list[str]) -> None:
    objects.segment(0x5EED, size=SIZE)
    PATH.chmod(0o644)
    for command in (["read"], ["write", "--offset", "98", "abc"], ["write", "--hex", "x"]):
        expected = inline(*command[:1], "0x5eed", *command[1:], *args)
        found = inline(*command[:1], "/x", *command[1:], *args)
        assert found == expected._replace(err=expected.err.replace("0x5eed", "/x"))


def test_read_of_holes_allocates_nothing() -> None:
    size = 5 * 2**20 + 7
    with PATH.open("wb") as file:
        file.truncate(size)
        for place in (PAGE, 2**20 + PAGE - 3, 3 * 2**20):
            os.pwrite(file.fileno(), b"here", place)
    before = blocks(PATH)
    assert os.fsencode(inline("read", "/x").out) == PATH.read_bytes()
    out = inline("read", "/x", "-f", "hex").out
    assert out.splitlines()[0].startswith("00000000  00 00")
    assert out.splitlines()[-1] == f"{size:08x}"
    assert blocks(PATH) == before <= 4 * PAGE


def test_read_of_segment_larger_than_memory_reads_its_range() -> None:
    os.truncate(PATH, 2**40)
    with PATH.open("r+b") as file:
        os.pwrite(file.fileno(), b"far", 2**39)
    assert inline("read", "/x", "--offset", str(2**39), "--length", "4").out == "far\0"
    assert inline("write", "/x", "--offset", str(2**40 - 3), "end") == (0, "", "")
    assert inline("read", "/x", "--offset", str(2**40 - 4)).out == "\0end"
    assert blocks(PATH) <= 2 * 2**21  # huge pages, if the mount has them


def test_read_of_empty_segment_prints_nothing() -> None:
    os.truncate(PATH, 0)
    assert inline("read", "/x") == (0, "", "")
    assert inline("write", "/x", "a") == (
        1,
        "",
        "pyipcs: /x: no room for 1 byte at offset 0; the segment has 0 bytes\n",
    )
    assert inline("write", "/x", "") == (0, "", "")


def test_read_keeps_the_atime() -> None:
    os.utime(PATH, ns=(10**9, 2 * 10**9))
    assert inline("read", "/x", "--length", "3").out == "\0\0\0"
    assert PATH.stat().st_atime_ns == 10**9


@pytest.mark.root
def test_read_needs_read_permission_and_write_needs_write_permission() -> None:
    os.chown(PATH, NOBODY, NOBODY)
    for mode, can_read, can_write in ((0o400, True, False), (0o200, False, True)):
        PATH.chmod(mode)
        PATH.write_bytes(b"." * SIZE)
        denied = (1, "", "pyipcs: /x: POSIX segment: Permission denied\n")
        read, write = ordinary("read", "/x", "--length", "1"), ordinary("write", "/x", "a")
        assert read == ((0, ".", "") if can_read else denied)
        assert write == ((0, "", "") if can_write else denied)
        assert PATH.read_bytes()[:1] == (b"a" if can_write else b".")


@pytest.mark.root
def test_read_of_other_users_segment_needs_no_ownership() -> None:
    PATH.chmod(0o604)
    assert ordinary("read", "/x", "--length", "1") == (0, "\0", "")


def test_read_of_segment_that_shrinks_meanwhile_fails() -> None:
    os.truncate(PATH, 2**24)
    with PATH.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, 2**24)
        file.write(b"x" * 2**24)
    command = [PYIPCS, "read", "/x"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_until_idle(process.pid)  # the pipe is full
        os.truncate(PATH, 5)
        out, err = process.communicate(timeout=LIMIT)
    assert (process.returncode, err) == (1, b"pyipcs: /x: the segment has shrunk to 5 bytes\n")
    assert out == b"x" * len(out)
    assert 5 < len(out) < 2**24


def test_read_bytes_in_a_pipe_are_those_of_the_read() -> None:
    """A later write changes no byte in the pipe, as it would after splice(2)."""
    PATH.write_bytes(b"a" * 2 * PAGE)
    with subprocess.Popen([PYIPCS, "read", "/x"], stdout=subprocess.PIPE) as process:
        assert process.wait(LIMIT) == 0
        with PATH.open("r+b") as file:
            file.write(b"b" * 2 * PAGE)
        assert process.communicate()[0] == b"a" * 2 * PAGE


def test_read_of_other_files_names_them(shm: ShmFiles) -> None:
    shm.file("sem.s", glibc_semaphore(3))
    for name in shm.hostile():
        result = inline("read", f"/{name}")
        assert result[:2] == (1, "")
        assert result.err.endswith(", not a POSIX segment\n")
        assert inline("write", f"/{name}", "x")[:2] == (1, "")
    assert elsewhere("read", "/s", before=()) == (
        1,
        "",
        "pyipcs: /s: no such POSIX segment (but a POSIX semaphore has that name)\n",
    )
    assert inline("write", "/sem.s", "x").status == 1
    assert (SHM / "sem.s").read_bytes() == glibc_semaphore(3)


def test_read_of_leased_segment_names_the_lease() -> None:
    with child_in(lambda: hold_lease(PATH)):
        result = inline("read", "/x")
    assert result == (1, "", "pyipcs: /x: POSIX segment: another process holds a lease on it\n")


def test_read_with_ns_reads_the_segment_of_that_process() -> None:
    def there() -> None:
        own_mounts()
        mount_tmpfs(SHM)
        PATH.write_bytes(b"there")
        PATH.chmod(0o666)

    with child_in(there) as pid:
        assert forked("read", "/x", "--ns", str(pid)) == (0, "there", "")
        assert forked("write", "/x", "THERE", "--ns", str(pid)) == (0, "", "")
        assert Path(f"/proc/{pid}/root/dev/shm/x").read_bytes() == b"THERE"
    assert PATH.read_bytes() == bytes(SIZE)


# -- write


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(max_size=2 * SIZE), offset=st.integers(0, SIZE), from_pipe=st.booleans())
def test_write_stores_any_bytes_at_any_offset(data: bytes, offset: int, from_pipe: bool) -> None:
    PATH.write_bytes(b"." * SIZE)
    room = SIZE - offset
    run_write = piped if from_pipe else inline
    result = run_write("write", "/x", "--offset", str(offset), data=data)
    fits = len(data) <= room
    # A file that is too large is refused before anything is written.
    written = data[:room] if from_pipe or fits else b""
    assert (result.status, result.out, result.err.count("\n")) == (int(not fits), "", not fits)
    assert PATH.read_bytes() == (b"." * offset + written).ljust(SIZE, b".")


def test_write_stores_text_hex_and_structs() -> None:
    assert inline("write", "/x", "wörld") == (0, "", "")
    assert inline("write", "/x", "--hex", "dead BEEF", "--offset=10") == (0, "", "")
    fields = ["--pack", "hi4s", "--offset", "20", "--", "-1", "0x10", "ab"]
    assert inline("write", "/x", *fields) == (0, "", "")
    assert PATH.read_bytes() == (
        "wörld".encode().ljust(10, b"\0")
        + bytes.fromhex("deadbeef").ljust(10, b"\0")
        + struct.pack("@hi4s", -1, 16, b"ab")
    ).ljust(SIZE, b"\0")
    assert inline("read", "/x", "--offset", "20", "--unpack", "hi4s").out == "-1\t16\tab\n"


def test_write_file_allocates_only_its_pages(tmp_path: Path) -> None:
    os.truncate(PATH, 0)
    os.truncate(PATH, 8 * 2**20)
    file = tmp_path / "file"
    file.write_bytes(os.urandom(3 * 2**20))
    assert invoke("write", "/x", "--offset", "1M", "-F", str(file)) == (0, "", "")
    assert blocks(PATH) == 3 * 2**20
    assert PATH.read_bytes()[: 4 * 2**20] == bytes(2**20) + file.read_bytes()


def test_write_never_enlarges_the_segment() -> None:
    assert inline("write", "/x", "--offset", "99", "ab").status == 1
    assert piped("write", "/x", data=b"z" * 200).err == (
        "pyipcs: /x: wrote 100 bytes; input is larger than the segment\n"
    )
    assert PATH.read_bytes() == b"z" * SIZE


def test_write_into_segment_that_shrinks_meanwhile_fails() -> None:
    command = [PYIPCS, "write", "/x"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdin
        process.stdin.write(b"first")
        wait_until(lambda: PATH.read_bytes().startswith(b"first"))
        os.truncate(PATH, 7)
        _, err = process.communicate(b"second", timeout=LIMIT)
    assert (process.returncode, err) == (
        1,
        b"pyipcs: /x: wrote 5 bytes; the segment has shrunk to 7 bytes\n",
    )
    assert PATH.read_bytes() == b"first\0\0"


@pytest.mark.tools("unshare")
@pytest.mark.parametrize(
    ("script", "wrote"),
    [
        ("head -c 20000 /dev/zero | {} write /y", 8192),
        ("{} write /y -F /dev/shm/full --offset 5000", 7288),
        ("{} write /y --hex --offset 4000 $(printf %040000d 0)", 4192),
    ],
)
def test_write_to_full_file_system_reports_the_written_bytes(script: str, wrote: int) -> None:
    whole = f"""
        mount -t tmpfs -o size=16k,huge=never none /dev/shm &&
        head -c 8192 /dev/zero >/dev/shm/full && truncate -s 64K /dev/shm/y || exit
        {script.replace("{}", PYIPCS)}
        echo $? $(($(stat -c %b /dev/shm/y) * 512))
    """
    result = run("unshare", "--user", "--map-root-user", "--mount", "bash", "-c", whole)
    assert result == (0, "1 8192\n", f"pyipcs: /y: wrote {wrote} bytes; /dev/shm is full\n")


def test_write_over_rlimit_fsize_fails() -> None:
    os.truncate(PATH, 4 * PAGE)

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (PAGE, PAGE))

    result = forked("write", "/x", "--offset", str(PAGE - 2), "abcd", first=limit)
    assert result == (1, "", "pyipcs: /x: wrote 2 bytes; File too large\n")
    assert PATH.read_bytes()[PAGE - 2 :].startswith(b"ab\0\0")


# -- Python's segments


def test_read_and_write_share_segments_of_multiprocessing() -> None:
    memory = shared_memory.SharedMemory(create=True, size=50)
    try:
        name = f"/{memory.name.removeprefix('/')}"
        assert memory.buf
        memory.buf[:5] = b"hello"
        assert inline("read", name, "--length", "5").out == "hello"
        assert inline("write", name, "--offset", "5", " world") == (0, "", "")
        assert bytes(memory.buf[:11]) == b"hello world"
    finally:
        memory.close()
        memory.unlink()
