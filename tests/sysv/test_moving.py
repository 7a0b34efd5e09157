"""What a child is asked in another namespace; the one of the tests is as good as any."""

import os
import select
import signal
from pathlib import Path
from typing import NoReturn

import pytest

from pyipcs.errors import IpcError
from pyipcs.sysv.moving import within
from pyipcs.sysv.namespace import current

HERE = "/proc/self/ns/ipc"
MUCH = 1 << 20  # bytes: more than a pipe holds


def test_a_child_is_asked() -> None:
    parent, pid, inode, much = within(
        HERE, lambda: (os.getppid(), os.getpid(), current(), bytes(MUCH))
    )
    assert (parent, inode, much) == (os.getpid(), current(), bytes(MUCH))
    assert pid != os.getpid()


def test_what_it_raises_is_raised() -> None:
    def refuse() -> NoReturn:
        raise IpcError(7, "because")

    with pytest.raises(IpcError, match="because") as caught:
        within(HERE, refuse)
    assert caught.value.errno == 7


def test_an_answer_that_is_not_fit_for_pickle() -> None:
    with pytest.raises((AttributeError, TypeError), match="pickle"):
        within(HERE, lambda: iter(lambda: 1, 2))


class _Deadly:
    """What cannot be told: who tries is killed."""

    def __reduce__(self) -> NoReturn:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


@pytest.mark.parametrize("before", [b"", bytes(MUCH)])
def test_a_child_that_is_killed(before: bytes) -> None:
    with pytest.raises(IpcError, match="the process that went there has died"):
        within(HERE, lambda: (before, _Deadly()))


def test_a_child_whose_parent_is_killed() -> None:
    living, life = os.pipe()  # at its end once parent and child have gone
    wait, go = os.pipe()

    def answer() -> bytes:
        os.write(life, b"x")
        os.read(wait, 1)
        return bytes(MUCH)

    parent = os.fork()
    if parent == 0:
        within(HERE, answer)
        os._exit(0)
    os.close(life)
    os.read(living, 1)
    child = int(Path(f"/proc/{parent}/task/{parent}/children").read_text())
    try:
        os.kill(parent, signal.SIGKILL)
        os.waitpid(parent, 0)
        os.write(go, b"x")
        assert select.select([living], [], [], 10)[0], "the child goes on for ever"
        child = 0
    finally:
        if child:
            os.kill(child, signal.SIGKILL)
        for descriptor in (living, wait, go):
            os.close(descriptor)


def test_who_ignores_that_children_end() -> None:
    former = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert within(HERE, lambda: 5) == 5
    finally:
        signal.signal(signal.SIGCHLD, former)
