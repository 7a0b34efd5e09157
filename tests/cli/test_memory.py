import ctypes
import os
import struct
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyipcs.model import Kind
from tests.kit.kernel import Objects, attached, row
from tests.kit.program import PYIPCS, as_nobody, forked, invoke, need_tool, pyipcs, run
from tests.kit.terminal import read_all, start

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


# -- Reading.


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(max_size=SIZE), offset=st.integers(0, SIZE), length=st.integers(0, 2 * SIZE))
def test_any_bytes_from_anywhere(shmid: int, data: bytes, offset: int, length: int) -> None:
    put(shmid, data.ljust(SIZE, b"\0"))
    whole = content(shmid)
    args = ["read", KEY, "--offset", str(offset)]
    for words, expected in (
        ([], whole[offset:]),
        (["--length", str(length)], whole[offset:][:length]),
    ):
        found = forked(*args, *words)
        assert (found.status, found.err) == (0, "")
        assert os.fsencode(found.out) == expected


def test_a_dump_is_that_of_hexdump(objects: Objects, tmp_path: Path) -> None:
    hexdump = need_tool("hexdump")
    size = 3 * 2**20 + 5
    shmid = objects.segment(size=size)
    for place, data in ((0, b"begin"), (2**20 - 3, b"across the edge"), (size - 3, b"end")):
        put(shmid, data, place)
    put(shmid, b"ab" * 5000, 2**21)
    raw = subprocess.run([PYIPCS, "read", str(shmid)], check=True, capture_output=True).stdout
    assert raw == content(shmid, size)
    file = tmp_path / "raw"
    file.write_bytes(raw)
    for offset, length in ((0, size), (7, size - 7), (2**20 - 8, 64), (5, 1)):
        args = ["--offset", str(offset), "--length", str(length)]
        expected = run(hexdump, "-C", "-s", str(offset), "-n", str(length), str(file)).out
        assert pyipcs("read", str(shmid), "-f", "hex", *args).out == expected


def test_structs(shmid: int) -> None:
    put(shmid, struct.pack("@id4s", -5, 1.5, b"ab\0\0"))
    assert forked("read", KEY, "--unpack", "id4s").out == "-5\t1.5\tab\n"
    put(shmid, struct.pack("@6h", *range(6)), 50)
    args = ["--offset", "50", "--unpack", "hh"]
    assert forked("read", KEY, *args).out == "0\t1\n"
    assert forked("read", KEY, *args, "--length", "12").out == "0\t1\n2\t3\n4\t5\n"
    assert forked("read", KEY, "--offset=94", "--unpack=hh", "--length=8") == (
        1,
        "0\t0\n",
        f"pyipcs: {KEY}: the segment ends 2 bytes into a struct\n",
    )


def test_many_structs_across_pieces(objects: Objects) -> None:
    number = 150_000
    shmid = objects.segment(size=12 * number)
    put(shmid, b"".join(struct.pack("=3i", n, -n, n) for n in range(number)))
    out = pyipcs("read", str(shmid), "--unpack", "=3i", "--length", str(12 * number)).out
    assert out == "".join(f"{n}\t{-n}\t{n}\n" for n in range(number))


def test_what_may_only_be_read(objects: Objects) -> None:
    shmid = objects.segment(mode=0o444)
    assert forked("read", str(shmid), "--length", "3") == (0, "\0\0\0", "")


def test_a_struct_over_many_holes(objects: Objects) -> None:
    size = 600 * 8192
    shmid = objects.segment(size=size)
    for place in range(0, size, 8192):
        put(shmid, b"a", place)
    out = pyipcs("read", str(shmid), "--unpack", f"{size}s").out
    assert out == (("a" + "\0" * 8191) * 600).rstrip("\0") + "\n"


def test_bytes_go_as_they_are_in_any_locale(shmid: int) -> None:
    put(shmid, "hé".encode() + b"\xff")
    plain = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    result = pyipcs("read", KEY, "--unpack", "4s", env=plain)
    assert os.fsencode(result.out) == "hé".encode() + b"\xff\n"


@pytest.mark.root
def test_rights_of_others(objects: Objects) -> None:
    shmid = objects.segment(0x5EED, mode=0o604)
    put(shmid, b"abc")
    assert as_nobody("read", KEY, "--length", "3") == (0, "abc", "")
    assert as_nobody("write", KEY, "x").err == f"pyipcs: {KEY}: Permission denied\n"
    assert content(shmid, 3) == b"abc"


def test_on_a_terminal_it_is_a_dump_and_never_raw(shmid: int) -> None:
    put(shmid, b"\x1b[31m\xff" + "ü".encode())
    for args, expected in (
        ([], "00000000  1b 5b 33 31 6d ff c3 bc  00 "),
        (["-f", "raw", "--length", "8"], "\\x1b[31m\\xffü"),
        (["--unpack", "6s"], "\\x1b[31m\\xff\r\n"),
    ):
        process, terminal = start([PYIPCS, "read", KEY, *args])
        text = read_all(terminal)
        assert process.wait() == 0
        assert expected in text
        assert "\x1b" not in text


def test_streams_that_end(shmid: int) -> None:
    with Path("/dev/full").open("wb") as full:
        for args in ([], ["-f", "hex"], ["--unpack", "i"]):
            done = subprocess.run(
                [PYIPCS, "read", KEY, *args], check=False, stdout=full, stderr=subprocess.PIPE
            )
            words = b"pyipcs: write error: No space left on device\n"
            assert (done.returncode, done.stderr) == (1, words)


def test_a_reader_that_leaves(objects: Objects) -> None:
    shmid = objects.segment(size=64 * 2**20)
    script = f"{PYIPCS} read {shmid} | head -c 5 | wc -c; echo ${{PIPESTATUS[0]}}"
    assert run("bash", "-c", script) == (0, "5\n141\n", "")


@pytest.mark.parametrize("args", [[], ["-f", "hex"], ["--unpack", "c", "--length", "99999"]])
def test_output_that_does_not_wait(objects: Objects, args: list[str]) -> None:
    """A pipe with O_NONBLOCK gets all of it, too."""
    shmid = objects.segment(size=10**5)
    put(shmid, os.urandom(10**5))
    command = [PYIPCS, "read", str(shmid), *args]
    expected = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    read, write = os.pipe()
    os.set_blocking(write, False)
    with subprocess.Popen([PYIPCS, "read", str(shmid), *args], stdout=write) as process:
        os.close(write)
        time.sleep(0.5)
        with open(read, "rb") as file:  # noqa: PTH123 - a descriptor
            assert file.read() == expected.stdout
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("args", "status", "why"),
    [
        (["--offset", "101"], 1, "no offset 101: the segment has 100 bytes"),
        (["--offset", "97", "--unpack", "i"], 1, "i has 4 bytes, and from 97 on there are 3"),
        (["--unpack", "i", "--length", "6"], 2, "--length is no multiple of 4"),
        (["--unpack", "0i"], 2, "the struct has no bytes"),
        (["--unpack", "0i", "--length", "6"], 2, "the struct has no bytes"),
        (["--unpack", "i", "--length", "0"], 2, "--length 0 has no struct"),
        (["--unpack", "y"], 2, "not a struct"),
        (["-f", "unpack"], 2, "-f unpack and --unpack FORMAT go together"),
        (["-f", "hex", "--unpack", "i"], 2, "-f unpack and --unpack FORMAT go together"),
        (["--offset", "-1"], 2, "not a size"),
    ],
)
def test_reading_that_is_refused(shmid: int, args: list[str], status: int, why: str) -> None:
    result = invoke("read", KEY, *args)
    assert (result.status, result.out, result.err.count("\n")) == (status, "", 1)
    assert why in result.err


def test_what_is_no_segment(objects: Objects) -> None:
    objects.queue(0x5EEE)
    words = "pyipcs: 0x5eee: no such segment (but a message queue of that key)\n"
    assert invoke("read", "0x5eee") == invoke("write", "0x5eee", "x") == (1, "", words)


# -- Writing.


def write(*args: str, data: bytes = b"") -> tuple[int, str]:
    result = forked("write", KEY, *args, data=data)
    assert result.out == ""
    return result.status, result.err


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(max_size=2 * SIZE), offset=st.integers(0, SIZE), piped=st.booleans())
def test_any_bytes_to_anywhere(shmid: int, data: bytes, offset: int, piped: bool) -> None:
    put(shmid, b"." * SIZE)
    args = ["write", KEY, "--offset", str(offset)]
    room = SIZE - offset
    if piped:
        done = subprocess.run([PYIPCS, *args], input=data, capture_output=True, check=False)
        status, err = done.returncode, done.stderr.decode()
        went = data[:room]
    else:
        status, err = write(*args[2:], data=data)
        went = data if len(data) <= room else b""
    assert status == int(len(data) > room)
    assert err.count("\n") == status
    assert content(shmid) == (b"." * offset + went).ljust(SIZE, b".")


def test_arguments(shmid: int) -> None:
    assert write("wörld") == (0, "")
    assert write("--hex", "dead BEEF", "--offset=10") == (0, "")
    assert write("--pack", "hi4s", "--offset", "20", "--", "-1", "0x10", "ab") == (0, "")
    assert content(shmid)[:32] == "wörld".encode().ljust(10, b"\0") + bytes.fromhex(
        "deadbeef"
    ).ljust(10, b"\0") + struct.pack("@hi4s", -1, 16, b"ab")
    assert write("") == (0, "")


def test_a_file_takes_no_more_than_its_pages(objects: Objects, tmp_path: Path) -> None:
    shmid = objects.segment(size=8 * 2**20)
    file = tmp_path / "file"
    file.write_bytes(os.urandom(3 * 2**20))
    assert invoke("write", str(shmid), "--offset", "1M", "-F", str(file)) == (0, "", "")
    assert row(Kind.SEGMENT, shmid)["rss"] == str(3 * 2**20)
    assert content(shmid, 4 * 2**20) == bytes(2**20) + file.read_bytes()


def test_streams_of_digits_and_fields(shmid: int, tmp_path: Path) -> None:
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


def test_waiting_for_digits_takes_no_time(shmid: int) -> None:
    read, pen = os.pipe()
    with subprocess.Popen([PYIPCS, "write", KEY, "--hex"], stdin=read) as process:
        try:
            deadline = time.monotonic() + 10
            before = -1
            while before != (before := ticks(process.pid)):  # it may be starting
                assert time.monotonic() < deadline
                time.sleep(0.5)
            os.write(pen, b"61")
        finally:
            os.close(pen)
    os.close(read)
    assert content(shmid, 2) == b"a\0"


def test_with_many_open_descriptors(shmid: int, tmp_path: Path) -> None:
    """There are more than select(2) can take."""
    file = tmp_path / "file"
    file.write_text("61")
    script = 'ulimit -n 2048; for ((n = 3; n < 1100; n++)); do eval "exec $n</dev/null"; done; "$@"'
    args = ["write", KEY, "--hex", "-F", str(file)]
    assert run("bash", "-c", script, "bash", PYIPCS, *args) == (0, "", "")
    assert content(shmid, 2) == b"a\0"


def ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_a_stream_that_breaks_off_says_how_much_went(shmid: int) -> None:
    process, terminal = start([PYIPCS, "write", KEY], stderr=subprocess.PIPE)
    os.write(terminal, b"hello\n")
    while content(shmid, 6) != b"hello\n":
        time.sleep(0.01)
    os.close(terminal)
    _, err = process.communicate(timeout=10)
    words = b"pyipcs: standard input: Input/output error; 6 bytes went\n"
    assert (process.returncode, err) == (1, words)


def test_what_is_read_can_be_written(objects: Objects, shmid: int) -> None:
    put(shmid, bytes(range(SIZE)))
    other = objects.segment(size=SIZE)
    script = f"{PYIPCS} read {KEY} | {PYIPCS} write {other}"
    assert run("sh", "-c", script) == (0, "", "")
    assert content(other) == content(shmid)


def test_too_much(shmid: int, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 51)
    words = f"pyipcs: {KEY}: 51 bytes from 50 on, and the segment ends at 100\n"
    for args in (["-F", str(file)], ["x" * 51], ["--hex", "58" * 51], ["--pack", "51s", "x"]):
        assert write("--offset", "50", *args) == (1, words)
    assert write("--offset", "50", "--hex", data=b"58" * 51) == (1, words)
    assert content(shmid) == bytes(SIZE)
    script = f"yes | {PYIPCS} write {KEY} --offset 10"
    words = f"pyipcs: {KEY}: the segment ends; 90 bytes went, and there is more\n"
    assert run("sh", "-c", script) == (1, "", words)
    assert content(shmid) == bytes(10) + b"y\n" * 45
    assert write("--hex", data=b"6" * 10**6)[1] == (
        "pyipcs: standard input: far more than the segment's 100 bytes\n"
    )


@pytest.mark.parametrize(
    ("args", "status", "why"),
    [
        (["--offset", "101", "x"], 1, "no offset 101: the segment has 100 bytes"),
        (["--offset", "101"], 1, "no offset 101: the segment has 100 bytes"),
        (["a", "b"], 2, "unexpected operand 'b'"),
        (["--hex", "a"], 2, "not pairs of hex digits"),
        (["--hex"], 1, "standard input: not pairs of hex digits"),
        (["--pack", "i", "x"], 2, "'x' is not a number"),
        (["--pack", "i", "1", "2"], 2, "the struct has 1 field, not 2"),
        (["--pack", "i", "--hex", "1"], 2, "two ways"),
        (["-F", "x", "y"], 2, "-F FILE stands in the place of DATA"),
        (["-F", "/nosuch"], 1, "/nosuch: No such file or directory"),
        (["-F", "/"], 1, "/: Is a directory"),
    ],
)
def test_writing_that_is_refused(shmid: int, args: list[str], status: int, why: str) -> None:
    result = write(*args, data=b"xyz")
    assert (result[0], result[1].count("\n")) == (status, 1)
    assert why in result[1]
    assert content(shmid) == bytes(SIZE)


# -- More than there is memory.


def test_a_segment_larger_than_memory(objects: Objects) -> None:
    """Only what was written takes memory, also when all is read."""
    size = 2**32
    try:
        shmid = objects.segment(size=size)
    except OSError as error:
        pytest.skip(f"no segment of {size} bytes: {error.strerror}")
    assert invoke("write", str(shmid), "--offset", "3GiB", "here").status == 0
    script = (
        f"ulimit -c 0; {PYIPCS} read {shmid} --offset 2.5GiB | tr -d '\\0'; "
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
