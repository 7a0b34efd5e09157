"""The objects that one process uses, or is on record for.

Only the files of this process in /proc are read, so that other processes cost nothing.
"""

import os
from collections.abc import Collection, Iterator

from pyipcs.listing import Listing
from pyipcs.model import POSIX, Kind, SysvRecord
from pyipcs.process.identity import effective_uid
from pyipcs.usage.processes import (
    command_of,
    exists,
    named,
    proc_is_ours,
    recorded,
    start_of,
    thread_group,
)
from pyipcs.usage.scan import Scan, file_devices, is_examined, scan_process

# The fields with the processes on record; those of sets are in their semaphores.
_ON_RECORD = {Kind.QUEUE: ("lspid", "lrpid"), Kind.SEGMENT: ("cpid", "lpid")}


class ProcessUses:
    """The uses of objects by one process, from one scan since the last check."""

    def __init__(self, number: int) -> None:
        """Choose a process by its pid, or by the number of one of its threads."""
        self.number = number
        self._pid = number
        self._start: int | None = None
        self._seen: Scan | None = None
        self._threads: frozenset[int] = frozenset()

    def check(self) -> None:
        """Check that the process exists, and drop the last scan.

        Raises:
            ProcessLookupError: it does not exist, or is not the process of an earlier check.
        """
        if not exists(self.number):
            raise ProcessLookupError
        if proc_is_ours():
            self._pid = thread_group(self.number)
            start = start_of(self._pid)
            if self._start not in {None, start}:
                raise ProcessLookupError
            self._start = start
        self._seen = None

    @property
    def incomplete_reason(self) -> str:
        """The reason why the scan may lack objects; empty without one."""
        seen = self._scanned()
        if not seen.readable:
            return f"process {self._pid} cannot be examined: {seen.incomplete_reason}"
        if is_examined(self._pid, seen):
            return ""
        hint = " (try as root)" if effective_uid() else ""
        return f"process {named(self._pid, command_of(self._pid))} cannot be examined{hint}"

    def of(self, listing: Listing) -> list[bool | None]:
        """Return True for each used object; None if the use is unknown.

        Sets need their semaphores, and POSIX queues the processes registered for notification.
        """
        return self._posix(listing) if listing.kind in POSIX else self._sysv(listing)

    def _sysv(self, listing: Listing) -> list[bool | None]:
        seen = self._scanned().from_here()
        here = seen.here, listing.kind
        used = {number for *place, number in seen.users if (*place,) == here}
        found: list[bool | None] = [one in used for one in listing.ids]
        for row, pids in enumerate(_on_record(listing)):
            if found[row]:
                continue
            if pids is None:
                found[row] = None
            elif not self._threads.isdisjoint(pids):
                (record,) = listing.take([row]).records()
                found[row] = self._is_on_record(record)
        return found

    def _is_on_record(self, record: SysvRecord) -> bool | None:
        """Return True if the process itself is on record.

        An earlier process may have had its pid. None means unknown.
        """
        acts = {(pid, when) for pid, when in record.acts if pid in self._threads}
        alive = {recorded(pid, when).alive for pid, when in acts}
        return True if True in alive else None if None in alive else False

    def _posix(self, listing: Listing) -> list[bool | None]:
        if not file_devices() <= self._scanned().file_uses.devices:
            self._seen = None  # a place was opened since
        users = self._scanned().file_uses.users
        keys = zip(listing.column("device"), listing.column("inode"), strict=True)
        found: list[bool | None] = [key in users for key in keys]
        if listing.kind is not Kind.POSIX_QUEUE or not self.incomplete_reason:
            return found  # a registered process has the queue open: mq_close(3) ends it
        registered = listing.column("notify_pid")
        pairs = zip(found, registered, strict=True)
        return [used or (None if pid is None else pid == self._pid) for used, pid in pairs]

    def _scanned(self) -> Scan:
        if self._seen is None:
            self._seen = scan_process(self._pid)
            self._threads = frozenset({self._pid, *_thread_numbers(self._pid)})
        return self._seen


def _thread_numbers(pid: int) -> list[int]:
    """Return the numbers of the threads of a process; none if they are hidden."""
    try:
        return [*map(int, os.listdir(f"/proc/{pid}/task"))] if proc_is_ours() else []
    except OSError:
        return []


def _on_record(listing: Listing) -> Iterator[Collection[int] | None]:
    """Yield the pids in each record; None if they may not be read."""
    if listing.kind is Kind.SEMAPHORE:
        for semaphores in listing.column("semaphores"):
            yield None if semaphores is None else {one.pid for one in semaphores}
        return
    columns = (map(int, listing.column(field)) for field in _ON_RECORD[listing.kind])
    yield from zip(*columns, strict=True)
