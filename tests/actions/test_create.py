"""Signals while make creates objects: it creates all of them, or none."""

import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from types import FrameType
from typing import Any

import pytest

from pyipcs.actions import create
from pyipcs.model import Kind
from tests.kit.kernel import ids, remove
from tests.kit.posix import SHM
from tests.kit.program import fork, text_in
from tests.kit.wait import LIMIT, exit_code

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def signalled_at(moment: int) -> Iterator[None]:
    """Send signals to forked children at a line of `actions.create`.

    The lines are counted from the method `report`. They are traced, because nothing public shows
    where a signal can arrive.
    """
    lines: list[int] = []

    def trace(frame: FrameType, _event: str, _arg: object) -> Any:
        code = frame.f_code
        if code.co_filename != create.__file__ or not (lines or code.co_name == "report"):
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


@pytest.mark.untraced
@pytest.mark.parametrize("full", [False, True])
def test_make_signal_at_any_line_leaves_all_or_nothing(
    full: bool, isolated: None, own_shm: None
) -> None:
    segment = SHM / "pyipcs-signal"
    args = ["make", "-Q", "-m", "1", "-n", segment.name, "-i"]
    ends = []
    for moment in range(40):
        with TemporaryFile() as out, TemporaryFile() as err, Path("/dev/full").open("wb") as disk:
            with signalled_at(moment):
                stdout = (disk if full else out).fileno()
                child = fork(*args, stdin=0, stdout=stdout, stderr=err.fileno())
            status = exit_code(child)
            printed, errors = text_in(out).split(), text_in(err)
        left = ids(Kind.QUEUE)
        for msqid in left:
            remove(Kind.QUEUE, msqid)
        assert left == {int(word) for word in printed if word.isdigit()}
        assert segment.exists() is bool(left)
        segment.unlink(missing_ok=True)
        assert (status == 0) is bool(left)
        assert "Traceback" not in errors
        assert not errors if -status in SIGNALS else not errors or full
        ends.append(-status in SIGNALS)
    assert ends[:5] == [True] * 5
    assert not ends[-1]


def test_make_signal_after_the_output_leaves_the_object(isolated: None) -> None:
    # On one processor, the reader runs before the program continues.
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(processors)})
    try:
        for _ in range(5):
            read, write = os.pipe()
            child = fork("make", "-Q", "-i", stdin=0, stdout=write, stderr=2)
            os.close(write)
            assert select.select([read], [], [], LIMIT)[0]
            printed = os.read(read, 100)
            os.kill(child, signal.SIGTERM)
            assert exit_code(child) == 0
            os.close(read)
            remove(Kind.QUEUE, int(printed))
    finally:
        os.sched_setaffinity(0, processors)
