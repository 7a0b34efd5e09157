"""The segment that read and write work on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyipcs.actions.lookup import find, refusals
from pyipcs.errors import CommandError
from pyipcs.model import Kind
from pyipcs.sysv.keys import Target
from pyipcs.sysv.segment import SharedMemory
from pyipcs.text import plural

if TYPE_CHECKING:
    from pyipcs.sysv.attachment import Attachment


@contextmanager
def attached(target: Target, offset: int, *, read_only: bool) -> Iterator["Attachment"]:
    """The segment that a target names, attached for a while.

    Raises:
        CommandError: there is none, it may not be attached, or it ends before the offset.
    """
    segment = find(SharedMemory, target)
    with refusals(Kind.SEGMENT, target):
        memory = segment.attach(read_only=read_only)
    with memory:
        if offset > memory.size:
            has = plural(memory.size, "byte")
            raise CommandError(f"{target.typed}: no offset {offset}: the segment has {has}")
        yield memory
