"""make in all or none, at whatever moment a signal comes."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryFile
from types import FrameType
from typing import Any

import pytest

from pyipcs.cli import attempt
from pyipcs.model import Kind
from tests.program import fork
from tests.support import ids, remove

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
    """It ends by one of them without a word, and leaves nothing that it has not told of."""
    for moment in count():
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
        assert left <= set(map(int, told.split()))
        if status >= 0:  # it has come to its end before
            break
        assert (-status in SIGNALS, said) == (True, "")
    assert (status, moment > 10) == (full, True)
