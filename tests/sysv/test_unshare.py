"""Calls of functions in another namespace, here the tests' own."""

import os
import select
import signal
from typing import NoReturn

import pytest

from pyipcs.errors import IpcError
from pyipcs.sysv.namespace import current
from pyipcs.sysv.unshare import within
from tests.kit.factories import fork_child
from tests.kit.wait import LIMIT, exit_code

HERE = "/proc/self/ns/ipc"
MUCH = 1 << 20  # bytes: more than a pipe holds


def test_within_runs_the_function_in_a_child() -> None:
    parent, pid, inode, much = within(
        HERE, lambda: (os.getppid(), os.getpid(), current(), bytes(MUCH))
    )
    assert (parent, inode, much) == (os.getpid(), current(), bytes(MUCH))
    assert pid != os.getpid()


def test_within_raises_the_exception_of_the_function() -> None:
    def refuse() -> NoReturn:
        raise IpcError(7, "because")

    with pytest.raises(IpcError, match="because") as caught:
        within(HERE, refuse)
    assert caught.value.errno == 7


def test_within_answer_that_cannot_be_pickled_fails() -> None:
    with pytest.raises((AttributeError, TypeError), match="pickle"):
        within(HERE, lambda: iter(lambda: 1, 2))


class KillsItsPickler:
    """An object whose pickling kills the process."""

    def __reduce__(self) -> NoReturn:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


@pytest.mark.parametrize("before", [b"", bytes(MUCH)])
def test_within_killed_child_fails(before: bytes) -> None:
    with pytest.raises(IpcError, match="the helper process exited unexpectedly"):
        within(HERE, lambda: (before, KillsItsPickler()))


def test_within_killed_parent_ends_the_child() -> None:
    living, life = os.pipe()  # at its end after the exits of parent and child
    wait, go = os.pipe()

    def answer() -> bytes:
        os.write(life, b"%d\n" % os.getpid())
        os.read(wait, 1)
        return bytes(MUCH)

    parent = fork_child(lambda: within(HERE, answer))
    os.close(life)
    child = int(os.read(living, 20))
    try:
        os.kill(parent, signal.SIGKILL)
        assert exit_code(parent) == -signal.SIGKILL
        os.write(go, b"x")
        assert select.select([living], [], [], LIMIT)[0], "the child does not end"
        child = 0
    finally:
        if child:
            os.kill(child, signal.SIGKILL)
        for descriptor in (living, wait, go):
            os.close(descriptor)


def test_within_with_sigchld_ignored_returns() -> None:
    former = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert within(HERE, lambda: 5) == 5
    finally:
        signal.signal(signal.SIGCHLD, former)
