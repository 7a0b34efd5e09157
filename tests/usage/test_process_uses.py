"""Uses of objects by one process."""

import os
import time
from functools import partial

import pytest

from pyipcs.listing import listing_of
from pyipcs.model import SYSV, Kind, PosixQueue, Queue, Segment, Semaphore, SemaphoreSet, SysvRecord
from pyipcs.objects import read
from pyipcs.usage.process_uses import ProcessUses
from tests.kit.child import clear_caches, drop_privileges, in_child
from tests.kit.factories import running
from tests.kit.kernel import libc
from tests.kit.posix import child_in, hold_open
from tests.kit.posix_objects import PosixObjects

_PR_SET_DUMPABLE = 4
_ID = 2**31 - 1  # of no object


def record_of(kind: Kind, pid: int, when: int) -> SysvRecord:
    """Return a record of an object that a process used last at a time."""
    match kind:
        case Kind.QUEUE:
            return Queue(0, _ID, 0, 0, 0, pid, 0, 0, 0, 0, 0, when, 0, when)
        case Kind.SEGMENT:
            return Segment(0, _ID, 0, 1, pid, pid, 0, 0, 0, 0, 0, when, when, when)
        case _:
            semaphores = (Semaphore(0, 0, 0, 0, 0), Semaphore(1, 0, 0, 0, pid))
            return SemaphoreSet(0, _ID, 0, 2, 0, 0, 0, 0, when, when, semaphores)


@pytest.mark.parametrize("kind", SYSV)
def test_of_record_distinguishes_an_earlier_process_with_the_pid(kind: Kind) -> None:
    with running("sleep", "600") as process:
        now = int(time.time())
        records = [record_of(kind, process.pid, when) for when in (now, now - 100)]
        records.append(record_of(kind, os.getpid(), now))
        assert ProcessUses(process.pid).of(listing_of(kind, records)) == [True, False, False]


def test_of_set_with_unreadable_semaphores_is_unknown() -> None:
    record = record_of(Kind.SEMAPHORE, 1, 0)
    assert isinstance(record, SemaphoreSet)
    listing = listing_of(Kind.SEMAPHORE, [record]).with_added("semaphores", [None])
    assert ProcessUses(os.getpid()).of(listing) == [None]


def test_of_queue_registered_by_unreadable_process_is_used() -> None:
    """Only the status of the queue names the process then."""

    def uses(pid: int) -> list[bool | None]:
        times = (0, 0, 0)
        queues = [
            PosixQueue("/x", 1, 1, 0, 0, 0, *times, notify_pid=one) for one in (pid, pid + 1, None)
        ]
        return ProcessUses(pid).of(listing_of(Kind.POSIX_QUEUE, queues))

    with child_in(lambda: libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)) as pid:
        assert in_child(partial(uses, pid), drop_privileges) == [True, False, None]
    assert uses(os.getpid()) == [False, False, False]


def test_of_object_in_a_place_opened_after_the_scan_is_used(posix_objects: PosixObjects) -> None:
    path = posix_objects.make(Kind.POSIX_SEGMENT)
    posix_objects.make(Kind.POSIX_SEGMENT, "y")
    with child_in(partial(hold_open, path)) as pid:
        clear_caches()
        process = ProcessUses(pid)
        assert process.incomplete_reason == ""
        (listing,) = read(Kind.POSIX_SEGMENT)
        found = dict(zip(listing.column("name"), process.of(listing), strict=True))
    assert found == {"/x": True, "/y": False}


def test_check_of_process_that_ended_fails() -> None:
    with running("sleep", "600") as process:
        uses = ProcessUses(process.pid)
        uses.check()
        assert uses.incomplete_reason == ""
    with pytest.raises(ProcessLookupError):
        uses.check()
