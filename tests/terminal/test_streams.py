"""The output of text and bytes to streams in memory, files and pipes."""

import errno
import os
import re
import sys
from collections.abc import Iterator
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from pyipcs.errors import IpcError
from pyipcs.terminal.streams import Output, WriteError
from tests.kit.kernel import Objects
from tests.kit.program import run


def memory() -> TextIOWrapper:
    return TextIOWrapper(BytesIO())


def written(stream: TextIOWrapper) -> bytes:
    buffer = stream.buffer
    assert isinstance(buffer, BytesIO)
    return buffer.getvalue()


def test_write_is_buffered_until_flush() -> None:
    stdout, stderr = memory(), memory()
    output = Output((stdout, stderr))
    output.write(["a", "b\n"])
    assert written(stdout) == b""
    output.flush()
    output.error("c\nd")
    assert (written(stdout), written(stderr)) == (b"ab\n", b"pyipcs: c\\nd\n")


def test_for_stderr_keeps_the_order_of_data_and_messages() -> None:
    stream = memory()
    output = Output((memory(), memory()), color="always").for_stderr(stream)
    output.error("first")
    output.write(["second\n"])
    output.error("third")
    lines = written(stream).decode().splitlines()
    assert lines == ["\x1b[1;31mpyipcs:\x1b[0m first", "second", "\x1b[1;31mpyipcs:\x1b[0m third"]


def test_muted_writes_nothing() -> None:
    stdout, stderr = memory(), memory()
    output = Output((stdout, stderr)).muted()
    output.write(["data"])
    output.error("message")
    output.flush()
    assert (written(stdout), written(stderr)) == (b"", b"")


def test_flush_to_a_full_device_raises_write_error() -> None:
    with Path("/dev/full").open("w") as full:
        output = Output((full, memory()))
        output.write(["data"])
        with pytest.raises(WriteError, match=os.strerror(errno.ENOSPC)):
            output.flush()


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("utf-8", b"\xffr\xc3\xa9 \xe6\xbc\xa2"),
        ("ascii", b"\xffr\\xe9 \\u6f22"),
        ("latin-1", b"\xffr\xe9 \\u6f22"),
    ],
)
def test_write_in_an_encoding_escapes_missing_characters(encoding: str, data: bytes) -> None:
    stdout = memory()
    output = Output((stdout, memory()))
    output.encoding = encoding
    output.write(["\udcffré 漢"])
    output.flush()
    assert written(stdout) == data


def test_write_bytes_passes_on_the_error_of_its_source() -> None:
    def pieces() -> Iterator[bytes]:
        yield b""
        raise IpcError(errno.EIO, "no page")

    with pytest.raises(IpcError, match="no page"):
        Output().write_bytes(pieces())


def test_list_to_a_pipe_keeps_the_bytes_of_a_user_name(objects: Objects) -> None:
    objects.queue()
    script = (
        r"import pwd, types; name = types.SimpleNamespace(pw_name='r\udcff\udcc3\udca9t');"
        "pwd.getpwuid = lambda uid: name; from pyipcs.__main__ import main; main()"
    )
    result = run(sys.executable, "-c", script, "list", "-q")
    assert re.search(rb" r\xff\xc3\xa9t {5,6}6", os.fsencode(result.out))
