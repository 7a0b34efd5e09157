import os
import pty
import socket
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyipcs.process.nonblocking import NonBlockingFile

Ends = tuple[int, int]


def pipe(_folder: Path) -> Ends:
    return os.pipe()


def fifo(folder: Path) -> Ends:
    os.mkfifo(folder / "fifo")
    read = os.open(folder / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(read, True)
    return read, os.open(folder / "fifo", os.O_WRONLY)


def terminal(_folder: Path) -> Ends:
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    return ours, theirs


def stream(_folder: Path) -> Ends:
    ours, theirs = socket.socketpair()
    return ours.detach(), theirs.detach()


@pytest.fixture(params=[pipe, fifo, terminal, stream])
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ends]:
    """Return the end to read from and the end to write to."""
    make: Callable[[Path], Ends] = request.param
    read, write = make(tmp_path)
    yield read, write
    for end in (read, write):
        os.close(end)


def fill(sink: NonBlockingFile) -> int:
    """Write until it would wait; return the number of bytes."""
    total = 0
    while True:
        try:
            total += sink.write(b"x" * 5000)
        except BlockingIOError:
            return total


def test_write_to_full_descriptor_raises(ends: Ends) -> None:
    read, write = ends
    sink = NonBlockingFile(write, os.O_WRONLY)
    assert sink.write(b"hello") == 5
    assert os.read(read, 100) == b"hello"
    assert fill(sink) >= 4000
    assert os.get_blocking(write), "others may share it"
    assert not sink.polls_first
    sink.close()


def test_read_from_empty_descriptor_raises(ends: Ends) -> None:
    # The end that is reopened is the terminal: to open /dev/ptmx again gives another terminal.
    read, write = reversed(ends) if os.isatty(ends[1]) else ends
    source = NonBlockingFile(read, os.O_RDONLY)
    with pytest.raises(BlockingIOError):
        source.read(100)
    os.write(write, b"hello")
    assert source.read(100) == b"hello"
    with pytest.raises(BlockingIOError):
        source.read(100)
    assert os.get_blocking(read)
    source.close()


def test_write_and_read_of_a_file_never_raise(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("w+b") as file:
        sink = NonBlockingFile(file.fileno(), os.O_WRONLY)
        assert (sink.is_file, sink.polls_first) == (True, False)
        assert sink.write(b"x" * 100_000) == 100_000
        sink.close()
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        source = NonBlockingFile(file.fileno(), os.O_RDONLY)
        assert source.read(200_000) == b"x" * 100_000
        assert source.read(1) == b""
