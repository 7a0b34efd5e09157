"""POSIX objects that nobody has open or mapped: found, and removed, under a write lease.

The leases are taken in batches, because blocking the signals takes longer than a lease.
"""

import errno
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from stat import S_IMODE
from typing import NamedTuple, TypeAlias

from pyipcs.errors import BusyError, DeniedError, IpcError, ipc_error
from pyipcs.listing import Listing
from pyipcs.model import Kind, PosixQueue, PosixRecord
from pyipcs.posix import directory, lease, mqueue
from pyipcs.posix.lease import LeaseBlock
from pyipcs.posix.names import entry as entry_of

Identity: TypeAlias = tuple[int, int]  # device and inode
# The fields of a record by which a change after the listing is seen.
_Fields: TypeAlias = tuple[int, ...]
_BATCH = 256  # objects for which the signals are blocked: a few milliseconds
_SAFE = os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY
_REPLACED = {errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.EISDIR}  # of open(2), O_NOFOLLOW
_COMPARED = ("device", "inode", "mode", "uid", "gid", "mtime")
# Listing the bytes of a queue sets its other times.
_COMPARED_FILE = (*_COMPARED, "atime", "ctime")


class Openness(Enum):
    """The use of an object by any process, as the kernel reports it."""

    OPEN = lease.IN_USE
    CLOSED = "closed"
    DENIED = lease.DENIED
    UNREADABLE = "its mode prevents the check that nobody uses it"
    UNSUPPORTED = lease.UNSUPPORTED
    GONE = "gone"


class Outcome(Enum):
    """The result of a removal that the kernel did not refuse."""

    REMOVED = "removed"
    REMOVED_FROM_OPENER = "opened"  # a process was opening the object
    CHANGED = "changed"  # since it was listed


# The answers of open(2) and of fcntl(2), by errno.
_AT_OPEN = {
    errno.ENOENT: Openness.GONE,
    errno.EAGAIN: Openness.OPEN,  # another process has a lease
    errno.EACCES: Openness.UNREADABLE,
}
_AT_LEASE = {
    errno.EAGAIN: Openness.OPEN,
    errno.EACCES: Openness.DENIED,
    errno.EINVAL: Openness.UNSUPPORTED,  # leases are disabled (fs.leases-enable)
}


class Candidate(NamedTuple):
    """An object to remove if nobody has it open.

    Attributes:
        name: the name with its slash.
        fields: the fields that a change would alter, device and inode first.
        qnum: the number of messages of a queue; None if it does not matter.
    """

    name: str
    fields: _Fields
    qnum: int | None = None


def probe(kind: Kind, objects: Sequence[tuple[str, Identity]]) -> list[Openness]:
    """Return the use of objects of a kind, each given by name and identity.

    An object counts as open after three refusals with random pauses.

    Raises:
        IpcError: the process has no free descriptor.
    """
    found = [Openness.OPEN] * len(objects)
    folder = _Folder(kind)
    if not folder.has_leases:
        return [Openness.UNSUPPORTED] * len(objects)
    for rows in _attempts(len(objects), lambda row: found[row] is Openness.OPEN):
        with LeaseBlock() as block:
            for row in rows:
                found[row] = folder.probe(block, *objects[row])
    return found


def probe_listing(listing: Listing) -> list[Openness]:
    """Return the use of the objects of a listing; see `probe`."""
    identities = zip(listing.column("device"), listing.column("inode"), strict=True)
    return probe(listing.kind, [*zip(listing.column("name"), identities, strict=True)])


def candidates(listing: Listing) -> Iterator[Candidate]:
    """Yield the objects of a listing as candidates for their removal."""
    is_queue = listing.kind is Kind.POSIX_QUEUE
    fields = zip(*map(listing.column, _COMPARED if is_queue else _COMPARED_FILE), strict=True)
    counts = listing.column("qnum") if listing.has("qnum") else [None] * listing.length
    return map(Candidate, listing.column("name"), fields, counts)


def candidate_of(record: PosixRecord) -> Candidate:
    """Return an object as a candidate for its removal."""
    is_queue = isinstance(record, PosixQueue)
    fields = tuple(getattr(record, name) for name in (_COMPARED if is_queue else _COMPARED_FILE))
    return Candidate(record.name, fields, record.qnum if isinstance(record, PosixQueue) else None)


def remove(kind: Kind, objects: Sequence[Candidate]) -> list[Outcome | IpcError]:
    """Remove objects of a kind that nobody has open or mapped.

    Each is unlinked under a write lease, right after a check that the lease still stands, and that
    the name is that of the same file.

    Returns:
        The result for each object: NotFoundError if it was removed or replaced, BusyError if it is
        in use, another IpcError if the kernel refused a call.
    """
    found: list[Outcome | IpcError] = [ipc_error(errno.EAGAIN)] * len(objects)
    folder = _Folder(kind)
    if not folder.has_leases:
        return [IpcError(errno.EINVAL, lease.UNSUPPORTED)] * len(objects)
    for rows in _attempts(len(objects), lambda row: isinstance(found[row], BusyError)):
        with LeaseBlock() as block:
            for row in rows:
                found[row] = folder.remove(block, objects[row])
    return found


def _attempts(number: int, is_refused: Callable[[int], bool]) -> Iterator[Sequence[int]]:
    """Yield batches of rows, and refused ones again in three tries with random pauses.

    Args:
        number: the number of rows.
        is_refused: a function that returns True if the last try of a row was refused.
    """
    rows: Sequence[int] = range(number)
    for left in reversed(range(lease.TRIES)):
        for start in range(0, len(rows), _BATCH):
            yield rows[start : start + _BATCH]
        rows = [*filter(is_refused, rows)]
        if not rows:
            return
        if left:
            lease.pause()


def _answer(error: IpcError, answers: Mapping[int, Openness]) -> Openness:
    """Return the answer of a refused call; raise other errors."""
    if error.errno not in answers:
        raise error
    return answers[error.errno]


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino


class _Folder:
    """The files of one kind.

    Attributes:
        has_leases: False if the kernel or the file system has no correct leases.

    Raises:
        UnseenError: /dev/shm cannot be read.
    """

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        if kind is Kind.POSIX_QUEUE:
            self._directory = mqueue.known_directory()
            self.has_leases = lease.is_supported()
        else:
            self._directory = directory.open_shm()
            self.has_leases = lease.is_supported_in(self._directory)

    def probe(self, block: LeaseBlock, name: str, expected: Identity) -> Openness:
        """Return the use of an object."""
        try:
            descriptor = self._open(name)
        except IpcError as error:
            return _answer(error, _AT_OPEN)
        try:
            if _identity(os.fstat(descriptor)) != expected:
                return Openness.GONE
            block.take(descriptor)
        except IpcError as error:
            return _answer(error, _AT_LEASE)
        finally:
            os.close(descriptor)  # this gives the lease back
        return Openness.CLOSED

    def remove(self, block: LeaseBlock, candidate: Candidate) -> Outcome | IpcError:
        """Remove an object; return the result of `remove`."""
        try:
            descriptor = self._open(candidate.name)
        except DeniedError as error:
            return DeniedError(error.errno, Openness.UNREADABLE.value)
        except BusyError as error:
            return BusyError(error.errno, lease.IN_USE)
        except IpcError as error:
            return error
        try:
            if _identity(os.fstat(descriptor)) != candidate.fields[:2]:
                raise ipc_error(errno.ENOENT)
            block.take(descriptor)
            return self._remove(descriptor, candidate)
        except IpcError as error:
            return error
        finally:
            os.close(descriptor)  # this gives the lease back

    def _remove(self, descriptor: int, candidate: Candidate) -> Outcome:
        """Remove an object with a lease on it."""
        found = os.fstat(descriptor)
        if not self._is_unchanged(descriptor, found, candidate):
            return Outcome.CHANGED
        lease.check_held(descriptor)
        self._unlink(candidate.name, found)
        return Outcome.REMOVED if lease.is_held(descriptor) else Outcome.REMOVED_FROM_OPENER

    def _is_unchanged(self, descriptor: int, found: os.stat_result, candidate: Candidate) -> bool:
        values = (*_identity(found), S_IMODE(found.st_mode), found[4], found[5], found[8])
        if self._kind is not Kind.POSIX_QUEUE:
            return (*values, found[7], found[9]) == candidate.fields
        if candidate.qnum is None:
            return values == candidate.fields
        # mtime has whole seconds: a message may have come in the same one.
        from pyipcs.posix import libc

        return values == candidate.fields and libc.mq_getattr(descriptor).qnum == candidate.qnum

    def _open(self, name: str) -> int:
        """Open an object for reading, or else for writing.

        Raises:
            NotFoundError: there is none, or it was replaced.
            DeniedError: the caller may neither read nor write it.
            BusyError: another process has a lease on it.
        """
        if self._directory is None:
            return mqueue.open_queue(name)
        entry = entry_of(self._kind, name)
        try:
            try:
                return os.open(entry, os.O_RDONLY | _SAFE, dir_fd=self._directory)
            except PermissionError:
                return os.open(entry, os.O_WRONLY | _SAFE, dir_fd=self._directory)
        except OSError as error:
            number = error.errno or errno.EIO
            raise ipc_error(errno.ENOENT if number in _REPLACED else number) from None

    def _unlink(self, name: str, opened: os.stat_result) -> None:
        if self._directory is None:  # a queue; its file system has no rename(2)
            from pyipcs.posix import libc

            if not opened.st_nlink:
                raise ipc_error(errno.ENOENT)
            libc.mq_unlink(name)
            return
        entry = entry_of(self._kind, name)
        try:
            found = os.stat(entry, dir_fd=self._directory, follow_symlinks=False)
            if not os.path.samestat(found, opened):
                raise ipc_error(errno.ENOENT)
            os.unlink(entry, dir_fd=self._directory)
        except OSError as error:
            raise ipc_error(error.errno or errno.EIO) from None
