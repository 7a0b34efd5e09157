"""Operations on semaphores (semop(2)), and how a person writes them."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pyipcs.model import SEMVMX
from pyipcs.text import decimal

_WORDS = {"P": "0-1", "V": "0+1", "Z": "0=0"}
_OPERATION = r"(?a)(\d+)(?::(\d+))?([-+=])(\d+)"
_SEMNUM_MAX = 2**16 - 1  # of struct sembuf


class Operation(NamedTuple):
    """One operation, on one semaphore or on several in a row.

    Attributes:
        first: the number of the semaphore.
        last: that of the last one.
        change: what is added to the value: below 0 it waits until the value allows it, and 0
            waits until the value is zero.
        nowait: fail rather than wait (IPC_NOWAIT).
        undo: the kernel takes it back when the process ends (SEM_UNDO).
    """

    first: int
    last: int
    change: int
    nowait: bool = False
    undo: bool = False

    @property
    def nsops(self) -> int:
        """How many operations of semop(2) it is."""
        return self.last - self.first + 1

    def each(self) -> Iterator[tuple[int, int, bool, bool]]:
        """The operations of semop(2): the semaphore, the change, nowait and undo."""
        for semnum in range(self.first, self.last + 1):
            yield semnum, self.change, self.nowait, self.undo


def parse_operation(text: str) -> Operation:
    """`NUM-N`, `NUM+N` or `NUM=0`, NUM also as `LO:HI`, or P, V or Z; `n` and `u` may follow.

    Raises:
        ValueError: it is none; the text says why.
    """
    word = text.rstrip("nu")
    flags = text[len(word) :]
    match = re.fullmatch(_OPERATION, _WORDS.get(word, word))
    if not match or len(set(flags)) < len(flags):
        raise ValueError(
            "not an operation (0-1, 0+1, 0=0, LO:HI-1, P, V, Z; with n or u behind; "
            "a command stands behind --)"
        )
    low, high, sign, amount = match.groups()
    first, last, number = decimal(low), decimal(high or low), decimal(amount)
    if last < first:
        raise ValueError("the range ends before it begins")
    if last > _SEMNUM_MAX:
        raise ValueError(f"no set has so many semaphores (the last is {_SEMNUM_MAX})")
    if number > SEMVMX:
        raise ValueError(f"no semaphore has such a value (the most is {SEMVMX})")
    if (sign == "=") != (number == 0):
        hint = "= waits for zero" if sign == "=" else "to wait for zero is =0"
        raise ValueError(f"not an operation ({hint})")
    return Operation(first, last, -number if sign == "-" else number, "n" in flags, "u" in flags)
