"""pyipcs read and write: the bytes of a segment, raw, as a dump and as structs."""

import ctypes
import os
import resource
import struct
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyipcs.model import Kind
from tests.kit.kernel import Objects, attached, row
from tests.kit.program import PYIPCS, as_nobody, forked, inline, invoke, piped, pyipcs, run
from tests.kit.terminal import start, whole_run
from tests.kit.wait import LIMIT, wait_until, wait_until_idle, wakeups

KEY, SIZE = "0x5eed", 100


@pytest.fixture
def shmid(objects: Objects) -> int:
    return objects.segment(0x5EED, size=SIZE)


def content(shmid: int, size: int = SIZE) -> bytes:
    with attached(shmid) as address:
        return ctypes.string_at(address, size)


def put(shmid: int, data: bytes, offset: int = 0) -> None:
    with attached(shmid) as address:
        ctypes.memmove(address + offset, data, len(data))


# -- read


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(max_size=SIZE), offset=st.integers(0, SIZE), length=st.integers(0, 2 * SIZE))
def test_read_returns_any_range_of_bytes(shmid: int, data: bytes, offset: int, length: int) -> None:
    put(shmid, data.ljust(SIZE, b"\0"))
    whole = content(shmid)
    args = ["read", KEY, "--offset", str(offset)]
    for words, expected in (
        ([], whole[offset:]),
        (["--length", str(length)], whole[offset:][:length]),
    ):
        found = inline(*args, *words)
        assert (found.status, found.err) == (0, "")
        assert os.fsencode(found.out) == expected


@pytest.mark.tools("hexdump")
def test_read_hex_equals_hexdump(objects: Objects, tmp_path: Path) -> None:
    size = 3 * 2**20 + 5
    shmid = objects.segment(size=size)
    for place, data in ((0, b"begin"), (2**20 - 3, b"across the edge"), (size - 3, b"end")):
        put(shmid, data, place)
    put(shmid, b"ab" * 5000, 2**21)
    raw = os.fsencode(forked("read", str(shmid)).out)
    assert raw == content(shmid, size)
    file = tmp_path / "raw"
    file.write_bytes(raw)
    for offset, length in ((0, size), (7, size - 7), (2**20 - 8, 64), (5, 1)):
        args = ["--offset", str(offset), "--length", str(length)]
        expected = run("hexdump", "-C", "-s", str(offset), "-n", str(length), str(file)).out
        assert forked("read", str(shmid), "-f", "hex", *args).out == expected


def test_read_unpack_prints_structs(shmid: int) -> None:
    put(shmid, struct.pack("@id4s", -5, 1.5, b"ab\0\0"))
    assert forked("read", KEY, "--unpack", "id4s").out == "-5\t1.5\tab\n"
    put(shmid, struct.pack("@6h", *range(6)), 50)
    args = ["--offset", "50", "--unpack", "hh"]
    assert forked("read", KEY, *args).out == "0\t1\n"
    assert forked("read", KEY, *args, "--length", "12").out == "0\t1\n2\t3\n4\t5\n"
    partial = forked("read", KEY, "--offset=94", "--unpack=hh", "--length=8")
    assert (partial.status, partial.out, partial.err.count("\n")) == (
        1,
        "0\t0\n",
        1,
    )


def test_read_unpack_prints_structs_across_blocks(objects: Objects) -> None:
    number = 150_000
    shmid = objects.segment(size=12 * number)
    put(shmid, b"".join(struct.pack("=3i", n, -n, n) for n in range(number)))
    out = forked("read", str(shmid), "--unpack", "=3i", "--length", str(12 * number)).out
    assert out == "".join(f"{n}\t{-n}\t{n}\n" for n in range(number))


def test_read_of_a_read_only_segment_succeeds(objects: Objects) -> None:
    shmid = objects.segment(mode=0o444)
    assert forked("read", str(shmid), "--length", "3") == (0, "\0\0\0", "")


def test_read_unpack_of_a_sparse_segment_fills_the_holes(objects: Objects) -> None:
    size = 600 * 8192
    shmid = objects.segment(size=size)
    for place in range(0, size, 8192):
        put(shmid, b"a", place)
    out = forked("read", str(shmid), "--unpack", f"{size}s").out
    assert out == (("a" + "\0" * 8191) * 600).rstrip("\0") + "\n"


def test_read_unpack_in_c_locale_keeps_the_bytes(shmid: int) -> None:
    put(shmid, "hé".encode() + b"\xff")
    c_locale = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    result = pyipcs("read", KEY, "--unpack", "4s", env=c_locale)
    assert os.fsencode(result.out) == "hé".encode() + b"\xff\n"


@pytest.mark.root
def test_write_as_other_user_needs_write_permission(objects: Objects) -> None:
    shmid = objects.segment(0x5EED, mode=0o604)
    put(shmid, b"abc")
    assert as_nobody("read", KEY, "--length", "3") == (0, "abc", "")
    assert as_nobody("write", KEY, "x").status == 1
    assert content(shmid, 3) == b"abc"


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ("", "00000000  1b 5b 33 31 6d ff c3 bc  00 "),
        ("-f raw --length 8", "\\x1b[31m\\xffü"),
        ("--unpack 6s", "\\x1b[31m\\xff\r\n"),
    ],
)
def test_read_on_terminal_dumps_or_escapes(shmid: int, args: str, expected: str) -> None:
    put(shmid, b"\x1b[31m\xff" + "ü".encode())
    status, text = whole_run("read", KEY, *args.split())
    assert status == 0
    assert expected in text
    assert "\x1b" not in text


@pytest.mark.parametrize("args", ["", "-f hex", "--unpack i"])
def test_read_to_a_full_disk_fails(shmid: int, args: str) -> None:
    result = run("bash", "-c", f"{PYIPCS} read {KEY} {args} >/dev/full")
    assert (result.status, result.err.count("\n")) == (1, 1)


def test_read_dies_of_sigpipe_when_its_reader_leaves(objects: Objects) -> None:
    shmid = objects.segment(size=64 * 2**20)
    script = f"{PYIPCS} read {shmid} | head -c 5 | wc -c; echo ${{PIPESTATUS[0]}}"
    assert run("bash", "-c", script) == (0, "5\n141\n", "")


@pytest.mark.parametrize("args", [[], ["-f", "hex"], ["--unpack", "c", "--length", "99999"]])
def test_read_to_a_nonblocking_pipe_writes_everything(objects: Objects, args: list[str]) -> None:
    shmid = objects.segment(size=10**5)
    put(shmid, os.urandom(10**5))
    expected = forked("read", str(shmid), *args)
    read, write = os.pipe()
    os.set_blocking(write, False)
    process = subprocess.Popen([PYIPCS, "read", str(shmid), *args], stdout=write)
    os.close(write)
    try:
        wait_until_idle(process.pid)  # the pipe is full
        reader = subprocess.run(
            ["cat"], stdin=read, stdout=subprocess.PIPE, timeout=LIMIT, check=True
        )
        assert process.wait(LIMIT) == 0
    finally:
        process.kill()
        process.wait()
        os.close(read)
    assert reader.stdout == os.fsencode(expected.out)


@pytest.mark.parametrize("args", ["--unpack 0i --length 6", "-f hex --unpack i"])
def test_read_contradicting_options_are_refused(args: str) -> None:
    result = invoke("read", KEY, *args.split())
    assert (result.status, result.out, result.err.count("\n")) == (2, "", 1)


# -- write


def write(*args: str, data: bytes = b"") -> tuple[int, str]:
    result = forked("write", KEY, *args, data=data)
    assert result.out == ""
    return result.status, result.err


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(max_size=2 * SIZE), offset=st.integers(0, SIZE), from_pipe=st.booleans())
def test_write_stores_any_bytes_at_any_offset(
    shmid: int, data: bytes, offset: int, from_pipe: bool
) -> None:
    put(shmid, b"." * SIZE)
    room = SIZE - offset
    run_write = piped if from_pipe else inline
    result = run_write("write", KEY, "--offset", str(offset), data=data)
    fits = len(data) <= room
    # A file that is too large is refused before anything is written.
    written = data[:room] if from_pipe or fits else b""
    assert (result.status, result.out, result.err.count("\n")) == (int(not fits), "", not fits)
    assert content(shmid) == (b"." * offset + written).ljust(SIZE, b".")


def test_write_stores_text_hex_and_structs(shmid: int) -> None:
    assert write("wörld") == (0, "")
    assert write("--hex", "dead BEEF", "--offset=10") == (0, "")
    assert write("--pack", "hi4s", "--offset", "20", "--", "-1", "0x10", "ab") == (0, "")
    assert content(shmid)[:32] == "wörld".encode().ljust(10, b"\0") + bytes.fromhex(
        "deadbeef"
    ).ljust(10, b"\0") + struct.pack("@hi4s", -1, 16, b"ab")
    assert write("") == (0, "")


def test_write_file_allocates_only_its_pages(objects: Objects, tmp_path: Path) -> None:
    shmid = objects.segment(size=8 * 2**20)
    file = tmp_path / "file"
    file.write_bytes(os.urandom(3 * 2**20))
    assert invoke("write", str(shmid), "--offset", "1M", "-F", str(file)) == (0, "", "")
    pages = row(Kind.SEGMENT, shmid)
    assert int(pages["rss"]) + int(pages["swap"]) == 3 * 2**20
    assert content(shmid, 4 * 2**20) == bytes(2**20) + file.read_bytes()


def test_write_stream_decodes_digits_and_fields(shmid: int, tmp_path: Path) -> None:
    assert write("--hex", data=b"61 62\n63\n") == (0, "")
    assert write("--pack", "ii", "--offset", "8", data=b"1\t2\n") == (0, "")
    assert content(shmid)[:16] == b"abc".ljust(8, b"\0") + struct.pack("2i", 1, 2)
    assert write("--pack", "b", "--offset", "90", data=b"-128\n127\n") == (0, "")
    assert write("--pack", "100b", data=b"\t".join([b"-0x80"] * 100)) == (0, "")
    assert content(shmid) == b"\x80" * 100
    put(shmid, bytes(100))
    assert write("abc") == (0, "")
    file = tmp_path / "file"
    file.write_text("64")
    assert write("-F", str(file), "--hex") == (0, "")
    assert write("-F", "-", "--offset", "1", data=b"e") == (0, "")
    assert content(shmid)[:4] == b"dec\0"


def test_write_hex_waiting_for_input_uses_no_cpu(shmid: int) -> None:
    command = [PYIPCS, "write", KEY, "--hex"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        try:
            wait_until_idle(process.pid)
            before = wakeups(process.pid)
            time.sleep(0.3)
            assert wakeups(process.pid) == before
            process.communicate(b"61", timeout=LIMIT)
        finally:
            process.kill()
    assert content(shmid, 2) == b"a\0"


def test_write_with_more_descriptors_than_select_takes_succeeds(shmid: int, tmp_path: Path) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 2048:
        pytest.skip("needs 2048 open files")
    file = tmp_path / "file"
    file.write_text("61")
    script = 'ulimit -n 2048; for ((n = 3; n < 1100; n++)); do eval "exec $n</dev/null"; done; "$@"'
    args = ["write", KEY, "--hex", "-F", str(file)]
    assert run("bash", "-c", script, "bash", PYIPCS, *args) == (0, "", "")
    assert content(shmid, 2) == b"a\0"


def test_write_from_a_stream_that_breaks_off_counts_the_bytes(shmid: int) -> None:
    process, terminal = start([PYIPCS, "write", KEY], stderr=subprocess.PIPE)
    try:
        os.write(terminal, b"hello\n")
        wait_until(lambda: content(shmid, 6) == b"hello\n")
        os.close(terminal)
        _, err = process.communicate(timeout=LIMIT)
    finally:
        process.kill()
    assert process.returncode == 1
    assert err.endswith(b"; wrote 6 bytes\n")


def test_write_accepts_the_output_of_read(objects: Objects, shmid: int) -> None:
    put(shmid, bytes(range(SIZE)))
    other = objects.segment(size=SIZE)
    script = f"{PYIPCS} read {KEY} | {PYIPCS} write {other}"
    assert run("sh", "-c", script) == (0, "", "")
    assert content(other) == content(shmid)


@pytest.mark.parametrize(
    ("args", "data"),
    [
        (["-F", "<file>"], b""),
        (["x" * 51], b""),
        (["--hex", "58" * 51], b""),
        (["--pack", "51s", "x"], b""),
        (["--hex"], b"58" * 51),
    ],
    ids=["file", "argument", "hex argument", "struct", "hex input"],
)
def test_write_beyond_the_end_changes_nothing(
    shmid: int, tmp_path: Path, args: list[str], data: bytes
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 51)
    words = [word.replace("<file>", str(file)) for word in args]
    status, err = write("--offset", "50", *words, data=data)
    assert (status, err.startswith(f"pyipcs: {KEY}: no room for 51 bytes at offset 50; ")) == (
        1,
        True,
    )
    assert content(shmid) == bytes(SIZE)


def test_write_of_an_endless_pipe_fills_the_segment(shmid: int) -> None:
    result = run("sh", "-c", f"yes | {PYIPCS} write {KEY} --offset 10")
    assert (result.status, result.out, result.err.count("\n")) == (1, "", 1)
    assert content(shmid) == bytes(10) + b"y\n" * 45


@pytest.mark.parametrize(
    ("args", "status"),
    [
        (["--offset", "101"], 1),
        (["--hex"], 1),
        (["-F", "/"], 1),
        (["--pack", "i", "x"], 2),
    ],
)
def test_write_refused_input_changes_nothing(shmid: int, args: list[str], status: int) -> None:
    result = write(*args, data=b"xyz")
    assert (result[0], result[1].count("\n")) == (status, 1)
    assert content(shmid) == bytes(SIZE)


# -- A segment larger than memory.


@pytest.mark.slow
def test_read_and_write_of_a_huge_segment_allocate_only_written_pages(objects: Objects) -> None:
    size = 2**32
    try:
        shmid = objects.segment(size=size)
    except OSError as error:
        pytest.skip(f"no segment of {size} bytes: {error.strerror}")
    assert invoke("write", str(shmid), "--offset", "3GiB", "here").status == 0
    script = (
        f"ulimit -c 0; {PYIPCS} read {shmid} --offset 2.9GiB | tr -d '\\0'; "
        f"{PYIPCS} read {shmid} -f hex"
    )
    out = run("bash", "-c", script).out
    assert out == (
        "here"
        "00000000  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n*\n"
        "c0000000  68 65 72 65 00 00 00 00  00 00 00 00 00 00 00 00  |here............|\n"
        "c0000010  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n*\n"
        "100000000\n"
    )
    if "rss" in row(Kind.SEGMENT, shmid):
        assert int(row(Kind.SEGMENT, shmid)["rss"]) <= 65536
