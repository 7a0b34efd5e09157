"""Operations on semaphores of both families, and their notation for users."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pyipcs.model import SEMVMX
from pyipcs.text import decimal

_SHORTHANDS = {"P": "0-1", "V": "0+1", "Z": "0=0"}
_OPERATION = r"(?a)(\d+)(?::(\d+))?([-+=])(\d+)"
_SEMNUM_MAX = 2**16 - 1  # of struct sembuf


class Operation(NamedTuple):
    """An operation on one semaphore or consecutive ones (semop(2)).

    Attributes:
        first: the number of the first semaphore.
        last: the number of the last semaphore.
        change: the number to add (sem_op). A negative number waits until the value is large enough;
            0 waits until the value is 0.
        nowait: True to fail instead of waiting (IPC_NOWAIT).
        undo: True to let the kernel revert the operation when the process ends (SEM_UNDO).
    """

    first: int
    last: int
    change: int
    nowait: bool = False
    undo: bool = False

    @property
    def nsops(self) -> int:
        """The number of operations for semop(2)."""
        return self.last - self.first + 1

    def each(self) -> Iterator[tuple[int, int, bool, bool]]:
        """Yield the operations for semop(2): semaphore, change, nowait, undo."""
        for semnum in range(self.first, self.last + 1):
            yield semnum, self.change, self.nowait, self.undo


def parse_operation(text: str) -> Operation:
    """Parse `NUM-N`, `NUM+N` or `NUM=0`, or P, V or Z.

    NUM may be a range `LO:HI`, and `n` (nowait) and `u` (undo) may follow.

    Raises:
        ValueError: the text is no operation; the message has the reason.
    """
    notation = text.rstrip("nu")
    flags = text[len(notation) :]
    match = re.fullmatch(_OPERATION, _SHORTHANDS.get(notation, notation))
    if not match or len(set(flags)) < len(flags):
        raise ValueError(
            "not an operation (0-1, 0+1, 0=0, LO:HI-1, P, V, Z; n and u may follow; "
            "a command follows --)"
        )
    low, high, sign, amount = match.groups()
    first, last, number = decimal(low), decimal(high or low), decimal(amount)
    if last < first:
        raise ValueError("the range ends before it begins")
    if last > _SEMNUM_MAX:
        raise ValueError(f"no set has so many semaphores (the last is {_SEMNUM_MAX})")
    if number > SEMVMX:
        raise ValueError(f"too large (the maximum is {SEMVMX})")
    if (sign == "=") != (number == 0):
        hint = "= waits for zero" if sign == "=" else "to wait for zero is =0"
        raise ValueError(f"not an operation ({hint})")
    return Operation(first, last, -number if sign == "-" else number, "n" in flags, "u" in flags)
