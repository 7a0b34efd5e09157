"""make in all or none, at whatever moment a signal comes."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from types import FrameType
from typing import Any

import pytest

from pyipcs.cli import attempt
from pyipcs.model import Kind
from tests.kit.kernel import ids, remove
from tests.kit.program import fork

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def signalled_at(moment: int) -> Iterator[None]:
    """Have a child that is forked get signals at so manieth a line, from where it tells."""
    lines: list[int] = []

    def trace(frame: FrameType, _event: str, _arg: object) -> Any:
        code = frame.f_code
        if code.co_filename != attempt.__file__ or not (lines or code.co_name == "tell"):
            return None
        if frame.f_lineno not in lines:
            if len(lines) == moment:
                for number in SIGNALS:
                    os.kill(os.getpid(), number)
            lines.append(frame.f_lineno)
        return trace

    former = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(former)


@pytest.mark.parametrize("full", [False, True])
def test_a_signal_at_any_moment(full: bool, isolated: None) -> None:
    """It ends by one of them without a word and leaves nothing; or all is made, and told."""
    ends = []
    for moment in range(25):
        with TemporaryFile() as out, TemporaryFile() as err, Path("/dev/full").open("wb") as disk:
            with signalled_at(moment):
                stdout = (disk if full else out).fileno()
                child = fork("make", "-Q", "-i", stdin=0, stdout=stdout, stderr=err.fileno())
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            told = os.pread(out.fileno(), 100, 0).decode()
            said = os.pread(err.fileno(), 1000, 0).decode()
        left = ids(Kind.QUEUE)
        for msqid in left:
            remove(Kind.QUEUE, msqid)
        assert left == set(map(int, told.split()))
        assert (status == 0) is bool(left)
        assert "Traceback" not in said
        assert not said if -status in SIGNALS else not said or full
        ends.append(-status in SIGNALS)
    assert ends[:5] == [True] * 5
    assert not ends[-1]


def test_a_reader_that_ends_it_at_once_keeps_what_it_was_told_of(isolated: None) -> None:
    """On one processor the reader goes on before the program does."""
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(processors)})
    try:
        for _ in range(5):
            read, write = os.pipe()
            child = fork("make", "-Q", "-i", stdin=0, stdout=write, stderr=2)
            os.close(write)
            told = os.read(read, 100)
            os.kill(child, signal.SIGTERM)
            assert os.waitpid(child, 0)[1] == 0
            os.close(read)
            remove(Kind.QUEUE, int(told))
    finally:
        os.sched_setaffinity(0, processors)
