"""Turns of tests: those that enter all namespaces run while no other test does.

A program that enters the namespaces of all processes disturbs their tests: briefly it is one more
process there, and it opens each file in their /dev/shm.
"""

import fcntl
import os
from collections.abc import Iterable
from typing import Any

import pytest

from tests.kit.wait import LIMIT, wait_until

# Folders that every user can open: the test processes of the whole machine share their locks, and
# no file is left.
_GATE, _ROOM = "/tmp", "/var/tmp"
_OPTION = "--all-ns"
_is_shared = False  # True while other tests may run


class Turns:
    """The turns of a test process.

    Two locks (flock(2)) make them fair: a process that waits to run alone holds the gate, and no
    other test begins meanwhile.
    """

    def __init__(self) -> None:
        """Open the locks."""
        self._gate, self._room = (os.open(path, os.O_RDONLY) for path in (_GATE, _ROOM))
        self._is_alone = False

    def begin(self, *, alone: bool) -> None:
        """Wait for the turn of a test.

        Args:
            alone: wait until no other test runs.

        Raises:
            TimeoutError: another test took far too long.
        """
        global _is_shared
        if not (alone and self._is_alone):
            kind = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
            _lock(self._gate, kind)
            try:
                _lock(self._room, kind)
            finally:
                fcntl.flock(self._gate, fcntl.LOCK_UN)
        self._is_alone, _is_shared = alone, not alone

    def end(self, *, keep: bool) -> None:
        """End the turn of a test.

        Args:
            keep: go on alone, if the process was alone: the next test needs it, too.
        """
        if not (keep and self._is_alone):
            fcntl.flock(self._room, fcntl.LOCK_UN)  # children may still have the descriptor
            self._is_alone = False


def _lock(descriptor: int, kind: int) -> None:
    def has_lock() -> bool:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    wait_until(has_lock, seconds=10 * LIMIT)


def make_case(value: object, command: Iterable[str], **options: Any) -> Any:
    """Return a case of a parametrized test (pytest.param); it runs alone if its command needs it.

    Args:
        value: the argument of the test.
        command: the words of its command line, which may be scripts.
        options: options of pytest.param.
    """
    marks = [pytest.mark.alone] if _needs_all(command) else []
    return pytest.param(value, marks=marks, **options)


def check_turn(command: Iterable[str]) -> None:
    """Check that a test that enters all namespaces runs alone.

    Args:
        command: the words of its command line, which may be scripts.

    Raises:
        AssertionError: the test lacks the marker `alone`.
    """
    assert not (_is_shared and _needs_all(command)), f"{_OPTION}: the test lacks the marker alone"


def _needs_all(command: Iterable[str]) -> bool:
    return any(_OPTION in word for word in command)
